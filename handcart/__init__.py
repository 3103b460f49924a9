"""Handcart: an open, self-hosted fulfillment platform that speaks the Instacart Connect Fulfillment API on the wire."""

__version__ = "0.2.0"
