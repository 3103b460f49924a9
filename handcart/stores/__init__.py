"""A retailer's stores with their service areas, its catalog of items, and the locations of postal codes.

Owns the tables `stores`, `items`, `item_words`, `store_items`, `uploads`, `postal_codes` and `pickup_instructions`.

Invariants:
- a location code is unique at its retailer, and a store's number never changes: slot ids are made from it;
- an import of a file is all or nothing;
- `item_words` has the words of every item, so that searches find it;
- every item has an rrc (by default its upc), and all stores share one catalog.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = [
    "areas",
    "assortment",
    "carts",
    "catalog",
    "distance",
    "files",
    "hours",
    "items",
    "photos",
    "pickup",
    "plan",
    "postal",
    "search",
    "tables",
    "uploads",
    "words",
]
