"""Organizations, their retailers (banners), and the API clients that act for them.

Invariants:
- a client belongs to one organization; it acts for one retailer, or names a banner in each request;
- everything a retailer owns is keyed by its isolation context: the retailer itself, or its whole organization;
- a client secret is shown once and kept as a keyed hash; several may be alive while one is being rotated.
"""
