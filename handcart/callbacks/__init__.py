"""Event callbacks: what a retailer's endpoints are told, and until when it is tried.

Owns webhook configurations, events, their deliveries and every attempt.

- An event is a row that `ops.emit` writes in the transaction of the change that owes it: the table is the queue.
- Its id and its body never change, over all attempts and replays.
- A delivery is one event for one webhook. Those of one order go out in the order of their events, as chains
  (`queue`); what becomes of a failed one, and of a webhook that only fails, is in `schedule`.
- Times to come go by the retailer's clock, leases by the real one.
- Nothing in here talks to a network: `handcart.sender` does, outside of any transaction.
"""
