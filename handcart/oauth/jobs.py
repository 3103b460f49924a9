"""What the worker does regularly: delete expired rows. They are already invalid; this only frees their space."""

from handcart.oauth import authorization, codes, tokens

PURGES = (authorization.purge, codes.purge, tokens.purge)
