"""The platform's own customers: accounts, sign-in, membership periods.

Invariants:
- one account per e-mail address (kept in lower case);
- a wrong password counts against the address it came from, and against that address at the account; what others do
  refuses nobody (`ops._count_try`); a browser that has signed in with the current password has tries of its own;
- an account is a member while one of its membership periods covers the current time.
"""
