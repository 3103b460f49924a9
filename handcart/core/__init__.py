"""What every domain stands on, and which knows no domain: database, HTTP, errors, pages, secrets, clock, ids, log.

Invariants:
- one request is one transaction; the HTTP layer commits, then answers;
- a value returned by an op commits, an exception raised by it rolls back;
- times are integer microseconds UTC, secrets are stored as keyed hashes only.
"""
