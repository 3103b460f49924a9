"""The sandbox, for development servers only. A production server needs none of it.

Three parts: `documented`, the sandbox of Connect's documentation; `robot`, a robot shopper; `control`, Handcart's own
controls. `state` stores each retailer's clock, faults and robot settings.

Invariants:
- a production server has none of its routes, and no code that production runs imports it;
- it changes orders through the same operations that a real shopper's app would use: nothing here is a mock.
"""
