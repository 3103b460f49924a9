"""OAuth 2.0 as documented: authorize, consent, tokens for three grants, revoke, introspect, metadata.

Invariants:
- a redirect goes only to a URI that its client has registered, compared byte for byte;
- a code and a linking token are claimed by one conditional UPDATE, so each works once;
- a second valid redemption of a code revokes the token that the first one gave;
- the pending request on the server rules, never what a form brings back.
"""
