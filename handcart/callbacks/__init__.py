"""Event callbacks to a retailer's endpoints: configuration, delivery and retries.

Owns webhook configurations, events, their deliveries and every attempt.

- An event is a row that `ops.emit` writes in the transaction of the change it reports: the table is the queue.
- The id and the body of an event never change, over all attempts and replays.
- A delivery is one event for one webhook. Deliveries about one order are sent in the order of their events, as
  chains (`queue`); `schedule` has the rules for retries and for webhooks that keep failing.
- Due times use the retailer's clock, leases the real one.
- Nothing here uses the network: `handcart.sender` does, outside of any transaction.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["events"]
