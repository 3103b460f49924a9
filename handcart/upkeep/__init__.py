"""Care for an installation: unsafe settings (`safety`), what is near its limit (`limits`), stored data that contradicts
itself (`integrity`), a new secret key (`rotation`), figures of the network (`figures`), and alerts (`alerts`).

Owns the table `alerts`.

It checks the invariants that each domain lists. Only the console, the processes, the demo and the command line import
it.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["alerts", "limits", "safety"]
