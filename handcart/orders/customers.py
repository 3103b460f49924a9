"""Checks of an order's customer: the phone number, and the age if the cart needs one.

https://docs.instacart.com/connect/api/fulfillment/delivery/create_order
"""

import re
from datetime import date

from handcart.core.errors import ApiError, blank, invalid
from handcart.retailers.models import Retailer
from handcart.stores.models import Store

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NO_NAME = re.compile(r"[/:<>$%?]")
LOCALES = ("en-US", "en-CA", "fr-CA")
_DEFAULT_LOCALES = {"US": "en-US", "CA": "en-CA"}
# The Canadian provinces where the legal age is not 19.
_LEGAL_AT_18 = ("AB", "MB", "QC")


def documented_locale(tag: str) -> str | None:
    """The documented locale for a language tag, in any case and with `-` or `_`; None for other tags."""
    wanted = tag.strip().replace("_", "-").lower()
    return next((locale for locale in LOCALES if locale.lower() == wanted), None)


def locale(tag: str | None, store: Store) -> str:
    """The locale of an order: the documented locale of the tag, else the default of the store's country.

    https://docs.instacart.com/connect/api/localization
    """
    return documented_locale(tag or "") or _DEFAULT_LOCALES.get(store.country, LOCALES[0])


def phone_refusal(retailer: Retailer, phone_number: str | None, key: str) -> ApiError | None:
    """The error for an invalid phone number in an order. Lenient retailers accept any form.

    E.164 is required since 2026-06-09. A number from the user's creation only needs the form that was allowed there.
    """
    if phone_number is None:
        return blank(key)
    return None if retailer.is_lenient or _E164.fullmatch(phone_number) else invalid(key)


def birthday_refusal(retailer: Retailer, birthday: str | None, store: Store, today: date) -> ApiError | None:
    """The error if a customer with this birthday is too young for restricted items."""
    if birthday is None:
        return blank("user.birthday")
    born = parsed(birthday)
    if born is None or born > today or age(born, today) < legal_age(retailer, store):
        return invalid("user.birthday")
    return None


def form_refusal(retailer: Retailer, birthday: str | None, today: date) -> ApiError | None:
    """The error for an invalid birthday when no item in the cart needs one."""
    if birthday is None or retailer.is_lenient:
        return None
    born = parsed(birthday)
    return invalid("user.birthday") if born is None or born > today else None


def is_name(name: str) -> bool:
    """Whether a name has none of the characters that the documentation forbids."""
    return bool(name.strip()) and not _NO_NAME.search(name)


def parsed(birthday: str) -> date | None:
    """Parse an ISO 8601 date; None if invalid."""
    try:
        return date.fromisoformat(birthday.strip()[:10])
    except ValueError:
        return None


def age(born: date, today: date) -> int:
    """The age in whole years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def legal_age(retailer: Retailer, store: Store) -> int:
    """The legal age for alcohol and other restricted items at the store's location."""
    if retailer.rules.legal_age is not None:
        return retailer.rules.legal_age
    if store.country == "CA":
        return 18 if store.region in _LEGAL_AT_18 else 19
    return 21
