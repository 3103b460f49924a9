"""The settings of a retailer: their meanings, and how operators write their values."""

from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from handcart.core.errors import Refused
from handcart.retailers.models import SWITCHES, Retailer, Rules

MEANINGS = {
    "allows_user_deletion": "users' data are deleted on request",
    "is_lenient": "accepts unknown items, and phone numbers and birth dates in any form; for tests",
    "serves_everywhere": "if no store is in range, the nearest one is used; for tests",
    "most_units": "maximum units in a delivery order",
    "most_beverage_pounds": "maximum pounds of beverages in a delivery order",
    "most_bulky_items": "maximum bulky items in a delivery order",
    "alcohol_from_hour": "first hour in which alcohol is handed over, by the store's clock",
    "alcohol_until_hour": "hour at which handing over alcohol ends, by the store's clock",
    "legal_age": "minimum age for alcohol and restricted items; none: by the law of the store's region",
    "underage": "if the customer is too young for items: refuse the order, or remove the items",
    "offers_immediate": "slots that start at once are offered",
    "offers_eta": "slots with an estimated time of arrival are offered if a request asks for them",
    "untaken": "if nobody took an order in time: reschedule it once, then cancel it, or cancel it at once",
    "warn_minutes": "minutes before that time at which dispatchers are warned",
    "scale_codes": "what the labels of the stores' scales have in their codes: the price, or the weight",
    "door_photo": "a shopper who leaves an order at the door takes a photo",
    "delivery_pin": "a customer proves who they are with the last four digits of their phone number",
}
_TYPES = {**dict.fromkeys(SWITCHES, bool), **get_type_hints(Rules, include_extras=True)}
_WORDS = {"yes": "true", "no": "false", "on": "true", "off": "false", "none": "null"}


def values(retailer: Retailer) -> dict[str, Any]:
    """All settings of a retailer, by name."""
    return {name: getattr(retailer if name in SWITCHES else retailer.rules, name) for name in MEANINGS}


def read(pairs: Sequence[str]) -> Mapping[str, Any]:
    """Parse settings of the form NAME=VALUE; raises `Refused`."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise Refused(f"write NAME=VALUE, not {pair!r}")
        if name not in MEANINGS:
            raise Refused(f"there is no setting {name!r}: the settings are {', '.join(MEANINGS)}")
        if name in changes:
            raise Refused(f"{name} is given twice")
        changes[name] = _value(name, text)
    return changes


def written(value: Any) -> str:
    """A value in the form that `read` parses."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)


def _value(name: str, text: str) -> Any:
    try:
        return msgspec.convert(_WORDS.get(text.lower(), text), _TYPES[name], strict=False)
    except msgspec.ValidationError:
        wanted = _wanted(inspect.type_info(_TYPES[name]))
        raise Refused(f"{name} cannot be {text!r}: write {wanted}") from None


def _wanted(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case inspect.UnionType(types=kinds):
            return " or ".join(map(_wanted, kinds))
    return "none"
