"""Organizations, their retailers (banners), and the API clients that act for them.

Owns the tables `organizations`, `retailers`, `clients`, `client_secrets` and `redirect_uris`.

Invariants:
- a client belongs to one organization; it acts for one retailer, or names a banner in each request;
- users and links belong to an isolation context: the retailer itself, or its whole organization;
- a client secret is shown once and stored as a keyed hash; several may be valid during a rotation.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["clients", "settings"]
