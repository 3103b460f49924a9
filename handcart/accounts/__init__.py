"""The platform's own customers: accounts, sign-in, membership periods.

Invariants:
- one account per e-mail address (kept in lower case);
- wrong passwords are limited per address, and per address and account; tries from other addresses never block a
  customer (`ops._count_try`); a browser that has signed in with the current password has its own limit;
- an account is a member while one of its membership periods covers the current time.
"""
