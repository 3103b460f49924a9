"""Pictures that people take, such as proofs of delivery.

Owns the table `pictures`.

Invariants:
- a subject has at most one picture, and a picture never changes;
- a stored picture was decoded and encoded again, so it has no metadata and nothing but pixels;
- a picture ends with its time.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["encoding"]
