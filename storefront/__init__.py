"""Sample Market: a small retailer site with account linking, written to be read and copied from.

Where to look, in the order of the customer's journey:

- `account`: sign in, the profile page with the link button or the linked field
- `linking`: the way to the platform and the redirect page that comes back
- `checkout`: the membership verified at that moment, the discounted delivery
- `membership`: the one question both pages ask the platform
- `sessions`: what this site remembers about a browser, single-use `state` included

It knows the platform only through `handcart_client`, over HTTP.
"""
