"""OAuth 2.0 as Connect documents it: authorize, consent, tokens for three grants, revoke, introspect, metadata.

Owns the tables `authorization_requests`, `authorization_codes` and `tokens`.

Invariants:
- redirects lead only to a URI that the client has registered, compared byte for byte;
- codes and linking tokens are claimed with one conditional UPDATE, so each works once;
- a second valid redemption of a code revokes the token that the first one returned;
- nothing is stored for a request before its customer signs in: until then, the page's address has the checked request
  with a MAC (`authorization.seal`);
- after sign-in, the pending request is a row that only this session can answer, once; form fields never change it.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["scopes", "tokens"]
