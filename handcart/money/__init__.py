"""What retailers owe the operator, and what the operator owes shoppers: fees, pay, tips, statements and payouts.

Owns the tables `fees`, `pay_rates`, `money_lines`, `month_sums` and `closed_months`.

Invariants:
- amounts are whole cents; each line is rounded by itself, half a cent up;
- a line belongs to an order, except the rest up to the minimum of a month;
- the sum of a month is the sum of its lines; both are written in one transaction;
- a closed month never changes: what changes later is a line of the first month that is open;
- what a retailer owes is what its shoppers get and what remains for the operator.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["months", "rates"]
