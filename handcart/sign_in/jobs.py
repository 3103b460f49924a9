"""What the worker does regularly: delete expired sessions."""

from handcart.sign_in import sessions

PURGES = (sessions.purge,)
