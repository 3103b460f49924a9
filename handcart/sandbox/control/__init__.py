"""Handcart's own controls of a sandbox: clock, faults, request log, reset, sample orders, events, linking.

`hook` applies a retailer's clock and faults to its calls, and logs the calls.
"""
