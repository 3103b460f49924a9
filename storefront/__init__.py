"""Sample Market: a small retailer site with account linking, as an example to read and copy.

The modules, in the order of the customer's journey:

- `account`: sign in, the profile page with the link button or the linked field
- `linking`: the redirect to the platform, and the redirect page
- `stores`, `catalog`, `carts`: a store near a postal code, its items, the cart
- `slots`, `grid`: the time slots of the store, and the hold of a slot
- `checkout`, `ordering`: verify the membership, discount the delivery, place the order
- `orders`: show, change and cancel an order
- `callbacks`, `story`, `news`: show the platform's events of an order on open pages
- `membership`, `users`: calls about the customer that several pages make
- `refusals`, `notices`: error messages that tell the customer what to do
- `sessions`: the data stored for a browser, including the single-use `state`

It calls the platform only with `handcart_client`, over HTTP.
"""
