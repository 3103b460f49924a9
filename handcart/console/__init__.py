"""The pages of the operator's people: sign-in, and what their roles include. They work without JavaScript.

Owns no table. Each topic is a module with `ROUTES`, composed in `routes`; `browser` has what all pages share.
"""
