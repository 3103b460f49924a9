"""The async client. The sync one is generated from these files by `generate_sync.py`."""
