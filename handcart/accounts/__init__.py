"""The platform's own customers: accounts, sign-in, membership periods.

Invariants:
- one account per e-mail address (kept in lower case);
- a password is checked at most 10 times in 5 minutes for each account, each address, and 1,000 times in all;
  a browser that has signed in to an account before has 10 of its own, so that a stranger cannot lock the owner out;
- a member is who has a period that holds this moment.
"""
