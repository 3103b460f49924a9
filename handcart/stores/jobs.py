"""What the worker does regularly: delete files that were sent and not imported."""

from handcart.stores import uploads

PURGES = (uploads.purge,)
