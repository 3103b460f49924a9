"""The documented sandbox, for development servers only: an integrator takes the shopper's steps through it.

Invariants:
- a production server has none of its routes;
- it changes orders through the same operations that a real shopper's app would use: nothing here is a mock.
"""
