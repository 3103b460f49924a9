"""Event callbacks to a retailer's endpoints: configuration, delivery and retries.

Owns the tables `webhooks`, `deliveries` and `attempts`. Reads the log of events: `handcart.events`.

- An event that is not yet queued gets its deliveries here (`queue`). Its id and body are the same over all attempts and
  replays.
- A delivery is one event for one webhook. Deliveries about one order are sent in the order of their events, as
  chains (`queue`); `schedule` has the rules for retries and for webhooks that keep failing.
- Due times use the retailer's clock, leases the real one.
- `sender` runs everything, for one process. `transport`, `receiver_tokens`, `asker` and `forward` use the network,
  outside of any transaction. The other modules only use the database.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["queue", "replay", "webhooks"]
