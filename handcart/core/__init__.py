"""What every domain uses: database, HTTP, errors, pages, secrets, clock, ids, log. Imports no domain.

Owns the tables `installation`, `rate_limits` and `idempotency_keys`.

Invariants:
- what a request writes is committed before its answer is sent;
- when an op returns, its transaction is committed; when it raises, the transaction is rolled back;
- times are integer microseconds in UTC;
- tokens, codes, client secrets and session cookies are stored as keyed hashes, passwords as argon2id hashes; secrets
  that the server itself sends or signs with are stored encrypted.
"""
