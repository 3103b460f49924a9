"""The shopper's app: its API for the browser, and its files. It has no tables of its own."""
