"""What pages of the store's app say."""

import re

from handcart.core.web.pages import texts


def refused(page: str) -> str:
    """The rule by which a page says that a form was refused."""
    found = re.search(r'<p class="alert" role="alert" id="error">(.*?)</p>', page, re.DOTALL)
    assert found, page[:500]
    said = found[1]
    rules = {
        name.removeprefix("store_app.refused."): text.split("{about}")
        for name, text in texts("en").items()
        if name.startswith("store_app.refused.")
    }
    return next(name for name, parts in rules.items() if all(part in said for part in parts))


def seen_of(page: str) -> str:
    """The version of the order that a page's forms carry."""
    found = re.search(r'name="seen" value="([0-9a-f]{16})"', page)
    assert found, page[:500]
    return found[1]
