"""What every domain uses: database, HTTP, errors, pages, secrets, clock, ids, log. Imports no domain.

Invariants:
- one request is one transaction; the HTTP layer commits, then sends the answer;
- when an op returns, the transaction commits; when it raises, the transaction is rolled back;
- times are integer microseconds UTC, secrets are stored as keyed hashes only.
"""
