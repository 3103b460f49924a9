"""What the worker does regularly: delete expired pictures."""

from handcart.pictures import ops

PURGES = (ops.purge,)
