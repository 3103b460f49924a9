"""The shopper's app: its API for the browser, and its files. It has no tables of its own.

`pages` serves the app: its page, its modules (`app/`), files of other projects (`vendor/`), and its service worker.
"""
