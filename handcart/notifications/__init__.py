"""Tells customers about their orders: which event leads to which message, in which language and by which channel.

Owns no table: it reads the log of events and writes messages.
"""
