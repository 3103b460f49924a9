"""Links between a retailer's Connect users and the platform's accounts.

Invariants:
- inside an isolation context a user has at most one account and an account at most one user;
- a link is made by a linking token, which works once and only at the retailer it was issued to;
- unlinking keeps the history and kills every code and linking token that could link again.
"""
