"""What the worker does regularly: delete expired sessions and links."""

from handcart.sign_in import links, sessions

PURGES = (sessions.purge, links.purge)
