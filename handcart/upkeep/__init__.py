"""Care for an installation: unsafe settings, stored data that contradicts itself, and a new secret key.

It reads the tables of every domain. Nothing imports it but the processes, the demo and the command line.
"""
