"""The customer's side of an order: the Post-checkout API and Order Feedback.

Owns no table: it calls the operations of orders, chats, batches and stores.
"""
