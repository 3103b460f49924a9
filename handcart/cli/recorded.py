"""The row of the audit log that a command writes in the transaction of its change.

Operations that take an actor record themselves; `options.write` records all others here.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from handcart.core.db import Tx
from handcart.core.errors import Refused

# Texts that are kept as they were given. All other texts may be secret or personal: only that they were given is kept.
_KEPT = frozenset(
    {
        *("slug", "retailer", "organization", "pairs", "location_code", "category", "kinds", "day", "hours", "scope"),
        *("client_id", "order_id", "events", "environment", "since", "until", "file", "template"),
    }
)
_NOT_KEPT = "..."
_ELSEWHERE = ("database", "data", "info_file", "as_json", "reason")
_HARMLESS = (click.types.IntParamType, click.types.FloatParamType, click.types.BoolParamType, click.Choice)


def recorded(op: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The operation of the command that runs now, with a row of the audit log in the same transaction."""
    context = click.get_current_context()
    operation, detail, params = context.command_path, _given(context), context.params

    async def run(tx: Tx, *args: Any, **kwargs: Any) -> Any:
        from handcart.staff import audit
        from handcart.staff.models import command_line

        before = await _about(tx, params)
        result = await op(tx, *args, **kwargs)
        subject, retailer_id = before or await _about(tx, params) or ("installation", None)
        await audit.record(
            tx,
            command_line(),
            operation,
            subject,
            retailer_id=retailer_id,
            reason=params.get("reason") or None,
            detail=detail or None,
        )
        return result

    return run


async def nothing(tx: Tx) -> None:
    """No change: for a command that has replaced the whole database, which gets only the row."""


async def _about(tx: Tx, params: Mapping[str, Any]) -> tuple[str, int | None] | None:
    """What a command changes, and its retailer; None for what does not exist yet, or no more."""
    from handcart.accounts import ops as accounts
    from handcart.retailers import clients
    from handcart.retailers import ops as retailers

    slug = params.get("retailer") or params.get("slug")
    retailer = None if slug is None else await retailers.retailer_by_slug(tx, slug)
    retailer_id = None if retailer is None else retailer.id
    if params.get("email"):
        try:
            return f"account/{(await accounts.by_email(tx, params['email'])).id}", retailer_id
        except Refused:
            return None
    if retailer is not None:
        return f"retailer/{retailer.slug}", retailer_id
    client = await clients.find(tx, params["client_id"]) if params.get("client_id") else None
    return None if client is None else (f"client/{client.client_id}", client.retailer_id)


def _given(context: click.Context) -> dict[str, Any]:
    """The options and arguments that were written, without values that may be secret or personal."""
    return {
        param.name: _shown(param, context.params[param.name])
        for param in context.command.params
        if param.name in context.params
        and param.name not in _ELSEWHERE
        and context.get_parameter_source(param.name) == ParameterSource.COMMANDLINE
    }


def _shown(param: click.Parameter, value: Any) -> Any:
    if param.name not in _KEPT and not isinstance(param.type, _HARMLESS):
        return _NOT_KEPT
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    return Path(str(getattr(value, "name", value))).name  # a file by its name
