"""OAuth 2.0 as Connect documents it: authorize, consent, tokens for three grants, revoke, introspect, metadata.

Invariants:
- redirects lead only to a URI that the client has registered, compared byte for byte;
- codes and linking tokens are claimed with one conditional UPDATE, so each works once;
- a second valid redemption of a code revokes the token that the first one returned;
- the pending request is read from the server's database, never from form fields.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["scopes", "tokens"]
