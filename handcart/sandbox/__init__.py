"""The sandbox, for development servers only. A production server needs none of it.

Three parts: `documented`, the sandbox of Connect's documentation; `robot`, a robot shopper; `control`, Handcart's own
controls. `state` stores each retailer's clock, faults and robot settings.

Owns the table `robot_runs`. `state` uses the table `installation`: a row for each retailer.

Invariants:
- a production server has none of its routes, clocks and faults; no other domain imports it, only the programs do;
- it changes orders through the same operations that a real shopper's app would use: nothing here is a mock.
"""
