"""The log of API calls of a production server: sampled, masked, bounded.

Owns the tables `request_log` and `client_uses`.

- A row has no token, secret, address, phone number, name or value of a body: only the shape of the body, and the paths
  of refused fields.
- Calls are kept in memory when they are answered, and stored in batches, so that no call waits for the log.
- A server for development has another log, in memory, with bodies.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["recorder"]
