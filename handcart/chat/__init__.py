"""The conversation between a customer and the shoppers of an order.

Owns the table `chat_messages`.

Invariants:
- a customer can write while the order has a shopper and its chat is open: from picking until the customer has the
  order (https://docs.instacart.com/connect/post-checkout_guide/concepts/chat); a shopper can write from acceptance on;
- what a sender writes with one act is one message;
- a message is a phrase, a text, a picture, or a text with a picture, and only its time of reading changes;
- the messages of a deleted user's orders are deleted.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["lifecycle"]
