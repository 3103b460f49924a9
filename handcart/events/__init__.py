"""The log of events: what happened to a retailer's orders, for readers such as webhooks.

Owns the table `events`.

- `ops.emit` writes an event in the transaction of the change that it reports. `kinds` lists all events.
- The id and the body of an event never change.
- Each reader of the log has a flag in the row, which says that it has taken the event: `is_queued` is the flag of the
  reader "webhooks" (`handcart.callbacks`), `is_told` that of the reader "customers" (`handcart.notifications`). A later
  reader gets a flag of its own. A reader cannot keep the last id that it has seen instead: on PostgreSQL, an event with
  a lower id may be committed later.
- An event of a retailer without a webhook is written as already taken, so no webhook gets it, except by a replay.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["expiry", "kinds"]
