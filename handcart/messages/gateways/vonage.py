"""Text messages by Vonage's SMS API: send them, and read its requests about replies and deliveries.

https://developer.vonage.com/en/messaging/sms/overview
https://developer.vonage.com/en/getting-started/concepts/signing-messages
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from handcart.core.outbound.client import Answer
from handcart.messages.gateways import DOUBTFUL, FAILED, REFUSED, SENT, Parcel, Result, http

NAME = "vonage"
URL = "https://rest.nexmo.com"
_OK = "0"
# Too fast, an error at Vonage, and faults of the account that the operator must mend: tried again.
_TRY_AGAIN = ("1", "4", "5", "8", "9", "10", "11", "14", "15")


class Vonage:
    """An account at Vonage. `sender`: a phone number or a name."""

    name = NAME

    def __init__(self, account: str, secret: str, sender: str, receipts_url: str, url: str = "") -> None:
        self._client = http.client(http.rules(url))
        self._url = f"{url or URL}/sms/json"
        self._fields = {"api_key": account, "api_secret": secret, "from": sender}
        self._receipts_url = receipts_url

    async def send(self, parcel: Parcel) -> Result:
        body = {
            **self._fields,
            "to": parcel.address,
            "text": parcel.content.body,
            "type": "text" if parcel.content.body.isascii() else "unicode",
            "client-ref": str(parcel.id),
        }
        if self._receipts_url:
            body["callback"] = self._receipts_url
        headers = [("content-type", "application/json"), ("accept", "application/json")]
        answer = await http.ask(self._client, self._url, msgspec.json.encode(body), headers, parcel.retailer_id)
        return answer if isinstance(answer, Result) else read(answer)

    async def close(self) -> None:
        await self._client.close()


def read(answer: Answer) -> Result:
    """What an answer means. Vonage answers 200 for errors too; a long message has a status for each of its parts."""
    if not 200 <= answer.status < 300:
        return http.failure(answer)
    parts = http.json(answer).get("messages")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        return Result(DOUBTFUL, f"status {answer.status} without a message")
    wrong = [part for part in parts if str(part.get("status")) != _OK]
    if not wrong:
        return Result(SENT, f"accepted as {parts[0].get('message-id')}")
    said = f"{wrong[0].get('status')} {wrong[0].get('error-text')}"
    if len(wrong) < len(parts):  # to send it again would send the accepted parts again
        return Result(REFUSED, f"only {len(parts) - len(wrong)} of {len(parts)} parts were accepted: {said}")
    return Result(FAILED if str(wrong[0].get("status")) in _TRY_AGAIN else REFUSED, said)


def signature(secret: str, fields: Mapping[str, Any]) -> str:
    """The value of `sig` among these fields, by HMAC-SHA256."""
    signed = "".join(
        f"&{name}={str(fields[name]).replace('&', '_').replace('=', '_')}" for name in sorted(fields) if name != "sig"
    )
    return hmac.digest(secret.encode(), signed.encode(), hashlib.sha256).hex()
