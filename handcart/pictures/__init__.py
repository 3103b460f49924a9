"""Pictures that people take, such as proofs of delivery.

Owns the tables `pictures` and `awaited_pictures`.

Invariants:
- a subject has at most one picture, and a picture never changes;
- a stored picture was decoded and encoded again, so it has no metadata and nothing but pixels;
- a picture ends with its time;
- a picture that was announced is awaited until it comes, for `ops.AWAITED_FOR` at most.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["encoding", "logos"]
