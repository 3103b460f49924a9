"""The mailbox of a sandbox: the messages that would have been sent, over the API and on a page, and replies to them."""
