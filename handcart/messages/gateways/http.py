"""The common part of gateways with an HTTP API, which are called by our own outbound client."""

from collections.abc import Sequence
from typing import Any

import msgspec

from handcart.core import backoff, clock
from handcart.core.outbound.client import Answer, Client, Failed, RequestRefused, UrlRules
from handcart.messages.gateways import DOUBTFUL, FAILED, REFUSED, Result

SECONDS = 20.0
MOST_BODY = 16 * 1024
_NOT_NOW = (408, 425, 429, 503)
# The gateway does not know this server: the operator must change the settings.
_SETTINGS = (401, 403, 404)


def client(rules: UrlRules) -> Client:
    """A client that keeps no connection, since a request on a kept connection may be sent twice."""
    return Client(rules, idle_seconds=0.0)


def rules(url: str) -> UrlRules:
    """What is allowed for a gateway: public https, or the operator's own `url` wherever it leads."""
    return UrlRules(True, range(1, 65_536), ("0.0.0.0/0", "::/0")) if url else UrlRules()


async def ask(
    http: Client, url: str, content: bytes, headers: Sequence[tuple[str, str]], payer: int, seconds: float = SECONDS
) -> Answer | Result:
    """Post a request; returns the answer, or the result if there was none."""
    try:
        return await http.request(
            "POST", url, content, headers, seconds=seconds, most_body=MOST_BODY, sharer=payer, payer=payer
        )
    except RequestRefused as error:
        return Result(FAILED, str(error))
    except Failed as error:
        return Result(DOUBTFUL if error.may_have_arrived else FAILED, str(error))


def failure(answer: Answer, said: str | None = None) -> Result:
    """What an answer other than 2xx means."""
    detail = f"status {answer.status}" + (f": {said}" if said else "")
    if answer.status in _NOT_NOW:
        return Result(FAILED, detail, backoff.retry_after(answer.status, answer.headers, clock.of_process()))
    if answer.status >= 500:
        return Result(DOUBTFUL, detail)
    if answer.status in _SETTINGS or 300 <= answer.status < 400:
        return Result(FAILED, detail)
    return Result(REFUSED, detail)


def json(answer: Answer) -> dict[str, Any]:
    """The object in an answer's body; empty if it has none, or was cut."""
    try:
        found = {} if answer.is_cut else msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
