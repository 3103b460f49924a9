"""The settings of a retailer: their meanings, and how operators write their values."""

from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from handcart.core.errors import Refused
from handcart.core.web.pages import texts
from handcart.retailers.models import SWITCHES, Retailer, Rules

# All settings, in the order in which they are shown.
NAMES = (*SWITCHES, *Rules.__struct_fields__)
# The table of texts that has the meanings.
_TEXTS = "retailers.settings"
_TYPES = {**dict.fromkeys(SWITCHES, bool), **get_type_hints(Rules, include_extras=True)}
_WORDS = {"yes": "true", "no": "false", "on": "true", "off": "false", "none": None}


def values(retailer: Retailer) -> dict[str, Any]:
    """All settings of a retailer, by name."""
    return {name: getattr(retailer if name in SWITCHES else retailer.rules, name) for name in NAMES}


def meanings(language: str = "en") -> Mapping[str, str]:
    """What each setting means, by its name."""
    return {name: texts(language)[f"{_TEXTS}.{name}"] for name in NAMES}


def choices(name: str) -> Sequence[str]:
    """The values that a setting can have, in the form that `read` parses; empty if it is a number or a text."""
    kind = inspect.type_info(_TYPES[name])
    if isinstance(kind, inspect.BoolType):
        return ("true", "false")
    return tuple(map(str, kind.values)) if isinstance(kind, inspect.LiteralType) else ()


def read(pairs: Sequence[str]) -> Mapping[str, Any]:
    """Parse settings of the form NAME=VALUE; raises `Refused`."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise Refused(f"write NAME=VALUE, not {pair!r}")
        if name not in NAMES:
            raise Refused(f"there is no setting {name!r}: the settings are {', '.join(NAMES)}")
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
    text = text.lower() if text.startswith("#") else text
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
        case inspect.Metadata(extra={"wanted": str(wanted)}):
            return wanted
        case inspect.UnionType(types=kinds):
            return " or ".join(map(_wanted, kinds))
    return "none"
