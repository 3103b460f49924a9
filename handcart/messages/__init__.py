"""Messages to people by mail, text message and web push: written in the transaction of their cause, sent by the worker.

Owns the tables `messages`, `message_attempts`, `message_texts`, `suppressions`, `push_subscriptions`,
`vapid_keys` and `replies`.

Invariants:
- a message that was written is sent, or its row says why it was not;
- no message is sent more than twice, and the second time only if a process died while it sent it;
- messages to one recipient by one channel are sent in the order in which they were written;
- addresses and contents are sealed, and no log line has them.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["addresses", "push", "texts"]
