"""Links between a retailer's Connect users and the platform's accounts.

Owns the tables `links` and `link_history`.

Invariants:
- inside an isolation context a user is linked to at most one account, and an account to at most one user;
- a link is made with a linking token, which works for one link, at the retailer (or organization) it was
  issued to;
- unlinking keeps the history and revokes every code and linking token that could link again.
"""
