"""Refusals of the operations of people."""

from handcart.core.web.browser import PageRefused


def forbidden() -> PageRefused:
    """The role of the person does not include the operation, or not at this retailer or store."""
    return PageRefused(403, "forbidden")
