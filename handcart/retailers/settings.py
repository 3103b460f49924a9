"""What an operator can set about a retailer: what its switches and rules mean, and values as people write them."""

from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from handcart.retailers.errors import Refused
from handcart.retailers.models import SWITCHES, Retailer, Rules

MEANINGS = {
    "allows_user_deletion": "users' data are deleted when that is asked for",
    "is_lenient": "takes unknown items, phone numbers and birth dates in any form; for tests",
    "serves_everywhere": "where no store is in range, the nearest one serves; for tests",
    "most_units": "units in a delivery order, at most",
    "most_beverage_pounds": "pounds of beverages in a delivery order, at most",
    "most_bulky_items": "bulky items in a delivery order, at most",
    "alcohol_from_hour": "alcohol is handed over from this hour on, by the store's clock",
    "alcohol_until_hour": "alcohol is handed over up to this hour, by the store's clock",
    "legal_age": "age to buy alcohol and restricted items; none: as the law of the store's region says",
    "underage": "items that the customer is too young for: refuse the order, or remove them",
    "offers_immediate": "slots that begin at once are offered",
    "offers_eta": "slots with an estimated time of arrival are offered, where a request asks for them",
}
_TYPES = {**dict.fromkeys(SWITCHES, bool), **get_type_hints(Rules, include_extras=True)}
_WORDS = {"yes": "true", "no": "false", "on": "true", "off": "false", "none": "null"}


def of(retailer: Retailer) -> dict[str, Any]:
    """All settings of a retailer by name."""
    return {name: getattr(retailer if name in SWITCHES else retailer.rules, name) for name in MEANINGS}


def read(pairs: Sequence[str]) -> Mapping[str, Any]:
    """Settings written as NAME=VALUE; raises `Refused`."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise Refused(f"write NAME=VALUE, not {pair!r}")
        if name not in MEANINGS:
            raise Refused(f"there is no setting {name!r}: there are {', '.join(MEANINGS)}")
        if name in changes:
            raise Refused(f"{name} is given twice")
        changes[name] = _value(name, text)
    return changes


def written(value: Any) -> str:
    """A value as `read` takes it."""
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
