"""Sample Market: a small retailer site with account linking, written to be read and copied from.

Where to look, in the order of the customer's journey:

- `account`: sign in, the profile page with the link button or the linked field
- `linking`: the way to the platform and the redirect page that comes back
- `stores`, `catalog`, `carts`: a store near a postal code, its shelf, the cart
- `slots`, `grid`: the times of the store, and the hold on one
- `checkout`, `ordering`: the membership verified at that moment, the discounted delivery, the order
- `orders`: the state of an order; change and cancel it
- `callbacks`, `story`, `news`: what the platform tells of an order, in words, on pages that are open
- `membership`, `users`: what several pages ask or tell the platform about the customer
- `refusals`, `notices`: what went wrong, in words that help
- `sessions`: what this site remembers about a browser, single-use `state` included

It knows the platform only through `handcart_client`, over HTTP.
"""
