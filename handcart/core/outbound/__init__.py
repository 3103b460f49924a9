"""Requests to addresses that other people chose: which URLs and addresses are allowed, and the only client."""
