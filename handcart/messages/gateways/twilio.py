"""Text messages by Twilio: send them, and read its requests about replies and deliveries.

https://www.twilio.com/docs/messaging/api/message-resource
https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlencode

from handcart.core.outbound.client import Answer
from handcart.messages.gateways import DOUBTFUL, REFUSED, SENT, UNWANTED, Parcel, Result, http

NAME = "twilio"
URL = "https://api.twilio.com"
# The recipient has replied STOP to this sender before.
_UNSUBSCRIBED = 21610
_ACCEPTED = ("accepted", "scheduled", "queued", "sending", "sent", "delivered")
_NOT_SENT = ("failed", "undelivered", "canceled")


class Twilio:
    """An account at Twilio. `sender`: a phone number, or a messaging service (`MG...`).

    `receipts_url`: where Twilio reports deliveries; empty for nowhere.
    """

    name = NAME

    def __init__(self, account: str, token: str, sender: str, receipts_url: str, url: str = "") -> None:
        self._client = http.client(http.rules(url))
        self._url = f"{url or URL}/2010-04-01/Accounts/{account}/Messages.json"
        self._authorization = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()
        self._sender = ("MessagingServiceSid" if sender.startswith("MG") else "From", sender)
        self._receipts_url = receipts_url

    async def send(self, parcel: Parcel) -> Result:
        fields = [self._sender, ("To", f"+{parcel.address}"), ("Body", parcel.content.body)]
        if self._receipts_url:
            fields.append(("StatusCallback", f"{self._receipts_url}?message={parcel.id}"))
        headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", self._authorization),
            ("accept", "application/json"),
        ]
        answer = await http.ask(self._client, self._url, urlencode(fields).encode(), headers, parcel.retailer_id)
        return answer if isinstance(answer, Result) else read(answer)

    async def close(self) -> None:
        await self._client.close()


def read(answer: Answer) -> Result:
    """What an answer means. A 2xx without the message that was made is doubtful: it may have been sent."""
    body = http.json(answer)
    code, text = body.get("code"), body.get("message")
    said = f"{code} {text}" if text else None
    if not 200 <= answer.status < 300:
        return Result(UNWANTED, said) if code == _UNSUBSCRIBED else http.failure(answer, said)
    sid, status, error = body.get("sid"), body.get("status"), body.get("error_code")
    if error is not None or status in _NOT_SENT:
        return Result(UNWANTED if error == _UNSUBSCRIBED else REFUSED, f"{status}, error {error}")
    if isinstance(sid, str) and sid and status in _ACCEPTED:
        return Result(SENT, f"{status} as {sid}")
    return Result(DOUBTFUL, f"status {answer.status} without a message")


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """The value of `X-Twilio-Signature` for a request to a URL with these form fields."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()
