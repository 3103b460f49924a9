"""The store's app: the pages with which the people of a store stage orders, hand them over, bring them out and take
goods back. It has no tables of its own: `staff` has the tablets and the PINs, `orders` and `batches` have the rest.
"""
