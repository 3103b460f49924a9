"""A retailer's stores with their service areas, its catalog of items, and where postal codes lie.

Invariants:
- a location code is unique at its retailer, and a store keeps its number for ever: slot ids are made from it;
- an import of a file is all or nothing;
- every item has an rrc (the upc where the retailer has no code of its own), and all stores share one catalog.
"""
