"""A Handcart server for tests: pytest fixtures (`plugin`), a server process of their own, and what it begins with.

Invariants:
- the process that runs the tests imports nothing but the standard library and pytest for it;
- each test begins with the same seeded database, which lives in memory alone;
- the server ends with the test run, however that ends, and leaves nothing behind but the template in the cache.
"""
