# Generated from ../_async by generate_sync.py: change it there.
"""The sync client."""
