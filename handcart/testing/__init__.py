"""A Handcart server for tests: pytest fixtures (`plugin`), their server process, and the database it starts with.

Invariants:
- the process that runs the tests imports nothing but the standard library and pytest for it;
- each test starts with the same seeded database, which is only in memory;
- the server ends when the test run ends, however that ends, and leaves only the template in the cache.
"""
