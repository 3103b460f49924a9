"""The page of an order, for a customer who has its link. No sign-in: the link is the proof.

Owns no table.
"""
