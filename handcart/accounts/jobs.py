"""What the worker does regularly: delete sign-ups that nobody confirmed."""

from handcart.accounts import self_service

PURGES = (self_service.purge,)
