"""What the worker does regularly: delete old positions."""

from handcart.shoppers import positions

PURGES = (positions.purge,)
