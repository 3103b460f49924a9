"""The schema, as numbered forward-only steps run by Alembic on both databases."""

# The newest step; a test compares it with the files. Kept here so that the server can check the schema without Alembic.
SCHEMA_VERSION = "0042"
