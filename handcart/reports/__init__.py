"""Figures of ended orders, and their sums for each day, store and shopper: what reports show without reading orders.

Owns the tables `ended_orders`, `daily_figures` and `daily_callbacks`.

Invariants:
- an ended order has one row, which is made again after each change of the order;
- a day's figures are the sums of its ended orders; the row and the sums are written in one transaction;
- the callbacks of a day are counted again until two days after it.
"""
