"""What only a server for development has: the documented sandbox, by which an integrator plays the shopper.

Invariants:
- none of its routes exists on a production server;
- it moves orders by the operations that real shoppers' apps would use: nothing here is a mock.
"""
