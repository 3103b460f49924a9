"""What shoppers do with an app: each act has the id that its device gave it, and is applied once.

Owns the table `acts`.

Invariants:
- an act is applied at most once, whatever its device sends again;
- acts of one subject are applied in the sequence of their device;
- a refused act changes nothing, and its answer says what is true now.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["bodies", "rules", "verbs"]
