"""Where gateways report replies and deliveries. A request counts only with the gateway's signature."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from handcart.core import clock, ids
from handcart.core.errors import ApiError
from handcart.core.secret import matches
from handcart.core.web.body import media_type
from handcart.core.web.call import Call, Reply, Route
from handcart.messages import inbound
from handcart.messages.gateways import setup, twilio, vonage
from handcart.messages.inbound import OnReply, Receipt

_MOST_BODY = 64 * 1024
# Vonage repeats a request for a day, and signs when it signed first.
_OLDEST, _NEWEST = 25 * clock.HOUR, 15 * clock.MINUTE
_TWILIO_STATUS = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), inbound.ACCEPTED),
    **dict.fromkeys(("delivered", "read"), inbound.DELIVERED),
    **dict.fromkeys(("failed", "undelivered", "canceled"), inbound.NOT_DELIVERED),
}
_VONAGE_STATUS = {
    **dict.fromkeys(("accepted", "buffered"), inbound.ACCEPTED),
    "delivered": inbound.DELIVERED,
    **dict.fromkeys(("expired", "failed", "rejected", "deleted"), inbound.NOT_DELIVERED),
}
_NOTHING = Reply(204)
# Twilio reads the answer to a reply as instructions: none.
_NO_INSTRUCTIONS = Reply(200, b"<Response/>", ((b"content-type", b"text/xml"),))


def routes(on_reply: OnReply) -> Sequence[Route]:
    """The routes for gateways. `on_reply` gets each reply once."""

    async def twilio_reply(call: Call) -> Reply:
        fields = _from_twilio(call)
        given = (fields.get("MessageSid", ""), fields.get("From", ""), fields.get("Body", ""))
        await call.app.database.write(inbound.take_reply, twilio.NAME, *given, on_reply)
        return _NO_INSTRUCTIONS

    async def vonage_reply(call: Call) -> Reply:
        fields = _from_vonage(call)
        number = "+" + _text(fields, "msisdn").lstrip("+")  # with its country code, which Vonage writes without a plus
        given = (_text(fields, "messageId"), number, _text(fields, "text"))
        await call.app.database.write(inbound.take_reply, vonage.NAME, *given, on_reply)
        return _NOTHING

    handlers = {
        setup.REPLIES_PATH.format(twilio.NAME): twilio_reply,
        setup.REPLIES_PATH.format(vonage.NAME): vonage_reply,
        setup.RECEIPTS_PATH.format(twilio.NAME): _twilio_receipt,
        setup.RECEIPTS_PATH.format(vonage.NAME): _vonage_receipt,
    }
    return [
        Route(method="POST", path=path, handler=handler, reads_body=True, most_body=_MOST_BODY)
        for path, handler in handlers.items()
    ]


async def _twilio_receipt(call: Call) -> Reply:
    fields = _from_twilio(call)
    status = _TWILIO_STATUS.get(fields.get("MessageStatus", ""))
    detail = f"{fields.get('MessageStatus')} {fields.get('ErrorCode', '')}"
    return await _receipt(call, dict(parse_qsl(call.query.decode("latin-1"))).get("message", ""), status, detail)


async def _vonage_receipt(call: Call) -> Reply:
    fields = _from_vonage(call)
    status = _VONAGE_STATUS.get(_text(fields, "status"))
    detail = f"{_text(fields, 'status')} {_text(fields, 'err-code')}"
    return await _receipt(call, _text(fields, "client-ref"), status, detail)


async def _receipt(call: Call, message: str, status: str | None, detail: str) -> Reply:
    message_id = ids.parse(message)
    if message_id is not None and status is not None:
        await call.app.database.write(inbound.take_receipt, Receipt(message_id, status, detail))
    return _NOTHING


def _from_twilio(call: Call) -> Mapping[str, str]:
    """The fields of a signed request of Twilio."""
    settings = call.app.settings
    secret = _secret(call, twilio.NAME)
    fields = _form(call)
    query = "?" + call.query.decode("latin-1") if call.query else ""
    assert call.route is not None
    url = settings.issuer + call.route.path + query
    if not matches(call.header(b"x-twilio-signature") or "", twilio.signature(secret, url, fields)):
        raise _unsigned()
    return dict(fields)


def _from_vonage(call: Call) -> Mapping[str, Any]:
    """The fields of a signed request of Vonage, which is not older than a day."""
    secret = _secret(call, vonage.NAME)
    fields: Mapping[str, Any]
    if media_type(call)[0] == "application/json":
        try:
            read = msgspec.json.decode(call.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _unsigned() from None
        fields = read if isinstance(read, dict) else {}
    else:
        fields = dict(_form(call))
    if not matches(_text(fields, "sig").lower(), vonage.signature(secret, fields)):
        raise _unsigned()
    timestamp = _text(fields, "timestamp")
    at = int(timestamp) * clock.SECOND if timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 else 0
    now = clock.of_process()
    if not now - _OLDEST <= at <= now + _NEWEST:
        raise _unsigned()
    return fields


def _form(call: Call) -> list[tuple[str, str]]:
    return parse_qsl(call.raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _secret(call: Call, gateway: str) -> str:
    secret = setup.gateway_secret(call.app.settings, gateway)
    if not secret:
        raise ApiError(404, "Resource not found", 4000)
    return secret


def _unsigned() -> ApiError:
    """The request has no signature of the gateway, or is too old."""
    return ApiError(403, "The signature is not valid", None)
