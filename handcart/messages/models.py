"""The data of messages that other domains use."""

from msgspec import Struct

MAIL = "mail"
SMS = "sms"
PUSH = "push"
CHANNELS = (MAIL, SMS, PUSH)

PENDING = "pending"
SENDING = "sending"
SENT = "sent"
FAILED = "failed"
SUPPRESSED = "suppressed"
EXPIRED = "expired"
# Sending it was interrupted twice, so it may have been sent twice, once or not at all.
UNSURE = "unsure"
# Of a development server, which sends none.
KEPT = "kept"
STATES = (PENDING, SENDING, SENT, FAILED, SUPPRESSED, EXPIRED, UNSURE, KEPT)
OPEN = (PENDING, SENDING)


def of_order(retailer_id: int, order_id: str) -> str:
    """The recipient of messages to the customer of an order."""
    return f"order/{retailer_id}/{order_id}"


class Letter(Struct, kw_only=True):
    """A message to write. Times in microseconds by the retailer's clock.

    `recipient`: `order/<retailer_id>/<order_id>`, `account/<id>`, `staff/<id>` or `shopper/<id>`; messages to one
    recipient by one channel are sent in the order in which they were written. `address`: an e-mail address, a phone
    number, or for `push` the id of a subscription as text. `template` names the text for lists and counts. `subject`:
    of a mail or the title of a push message; not sent by SMS. `url`: opened by a push message. `due_at`: None is now.
    `expires_at`: after this time it is no longer sent; None: a time that depends on the channel. `is_answer`: it is
    the answer to a reply of the recipient, so it is sent even to a suppressed address.
    """

    recipient: str
    channel: str
    address: str
    template: str
    locale: str
    subject: str
    body: str
    order_id: str | None = None
    retailer_id: int | None = None
    url: str | None = None
    due_at: int | None = None
    expires_at: int | None = None
    is_answer: bool = False


class Content(Struct):
    """What a message says. It is stored sealed, because it may have personal data and one-time links."""

    subject: str
    body: str
    url: str | None = None


class Message(Struct, kw_only=True):
    """A stored message. Times in microseconds; `created_at`, `due_at` and `expires_at` by the retailer's clock.

    `state`: one of `STATES`. `tries`: failed attempts since it was written or replayed. `doubts`: attempts of these
    that may have sent it, such as those that a kill interrupted. `reason`: why it ended without being sent. `receipt`:
    what the gateway reported afterwards, such as `delivered`.
    """

    id: int
    retailer_id: int | None
    recipient: str
    channel: str
    address: str
    template: str
    locale: str
    content: Content
    order_id: str | None
    state: str
    tries: int
    doubts: int
    created_at: int
    due_at: int
    expires_at: int
    ended_at: int | None
    reason: str | None
    receipt: str | None


class Attempt(Struct, kw_only=True):
    """An attempt to send a message, at a time of the process's clock.

    `outcome`: `sent`, `failed`, `doubtful` (it may have been sent) or `interrupted` (the process ended meanwhile).
    `detail`: what the gateway said, without the recipient's address.
    """

    number: int
    at: int
    milliseconds: int
    gateway: str
    outcome: str
    detail: str | None


class Suppression(Struct, kw_only=True):
    """An address that gets no messages by a channel. The address is known only by its hash.

    `source`: who asked for it, such as `reply` or `operator`. `said`: the text of the reply, or the operator's reason.
    """

    channel: str
    address_hash: bytes
    source: str
    said: str | None
    at: int


class Subscription(Struct, kw_only=True):
    """A browser that gets web push messages. `p256dh`, `auth`: its keys in base64url, as the browser gives them.

    `is_confirmed`: it has reported that it showed a message.
    """

    id: int
    recipient: str
    endpoint: str
    p256dh: str
    auth: str
    expires_at: int
    is_confirmed: bool = False
