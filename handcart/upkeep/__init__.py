"""Care for an installation: unsafe settings (`safety`), stored data that contradicts itself (`integrity`), and a new
secret key (`rotation`).

It checks the invariants that each domain lists. Nothing imports it but the processes, the demo and the command line.
"""
