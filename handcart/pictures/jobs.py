"""What the worker does regularly: delete expired pictures, and await no longer what does not come."""

from handcart.pictures import ops

PURGES = (ops.purge, ops.purge_awaited)
