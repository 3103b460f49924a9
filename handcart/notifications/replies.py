"""What customers answer to text messages: STOP, START, HELP, INFO; yes or no to a replacement; words for the shopper.

The messages that a number got say which orders it is about, as long as it is the number of their customers. The words
are those that carriers and regulators name, in the languages of the texts.
"""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.chat import ops as chat
from handcart.chat import queries as chats
from handcart.chat.models import CUSTOMER, MOST_CHARACTERS, Said, Sender
from handcart.core import ratelimit
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.ratelimit import Limit
from handcart.core.text import visible
from handcart.messages import addresses, texts
from handcart.messages import ops as messages
from handcart.messages import queries as stored
from handcart.messages.models import SMS, Letter, Message
from handcart.notifications import ops, reach, values
from handcart.notifications.reach import Way
from handcart.orders import ops as orders
from handcart.orders import queries as found_orders
from handcart.orders import replacements
from handcart.orders.models import Order, OrderLine
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer

# Answers to the replies of one number, so that two machines do not answer each other for ever.
MOST_ANSWERS = Limit(20, 3600)
# Texts as short as this are answers to a question, not words for a shopper.
_SHORT = 3
_STOP = ("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "optout")
_WORDS: Mapping[str, Sequence[str]] = {
    "stop": (*_STOP, "arret", "arrêt", "arreter", "arrêter", "alto", "parar", "baja"),
    "start": ("start", "unstop", "resume", "commencer", "reprendre", "empezar", "iniciar"),
    "help": ("help", "aide", "ayuda"),
    "info": ("info", "infos", "información", "informacion"),
}
_ACTIONS = {word: action for action, words in _WORDS.items() for word in words}
_YES = ("y", "yes", "o", "oui", "s", "si", "sí", "ok", "okay")
_NO = ("n", "no", "non")
_ANSWER = re.compile(rf"(?:([0-9]{{1,3}})[\s.):-]*)?({'|'.join((*_YES, *_NO))})\b", re.IGNORECASE)
_QUESTIONS = ("replacement", "replacements", "replacement_reminder", "replacements_reminder")
_ASKING = (*_QUESTIONS, "answers_unclear")


class Reply(Struct, frozen=True):
    """A text message from a number. `brand`: the operator's name; `retailer_id`: only orders of this retailer count."""

    number: str
    text: str
    brand: str
    retailer_id: int | None = None


class _About(Struct, frozen=True):
    """An order that a reply can be about, and the newest message about it to the number.

    `asked_at`: when the number was asked last about replacements of the order; 0 if never.
    """

    retailer: Retailer
    order: Order
    message: Message
    asked_at: int

    @property
    def way(self) -> Way:
        return Way(SMS, [self.message.address], self.message.locale)


async def read(tx: Tx, reply: Reply) -> str:
    """Do what a reply asks for, and write the answer to it. Returns what was done:

    `stopped`, `started`, `helped`, `informed`, `answered` (a replacement), `unclear`, `late`, `said` (to the shopper),
    `unread` (nobody reads it), `unknown` (the number got no message), or `limited` (too many replies).
    """
    got = await stored.to_number(tx, reply.number)
    if reply.retailer_id is not None:
        got = [one for one in got if one.retailer_id == reply.retailer_id]
    text = visible(reply.text, MOST_CHARACTERS, lines=True)
    action = _ACTIONS.get(re.sub(r"[\s.!,]+", " ", text).strip().casefold())
    if action == "stop":  # never limited
        return await _stop(tx, reply, got, text)
    if await ratelimit.count(tx, f"replies:{addresses.hash_of(tx.keys, SMS, reply.number).hex()[:32]}", MOST_ANSWERS):
        return "limited"
    if action == "start":
        await messages.unsuppress(tx, SMS, reply.number)
        return await _tell(tx, reply, got, "sms_subscribed", "started")
    if action is not None:
        return await _tell(tx, reply, got, f"sms_{action}", "helped" if action == "help" else "informed")
    about = await _about(tx, reply.number, got)
    waiting = [one for one in about if replacements.pending(one.order)]
    asked = max(waiting, key=lambda one: one.asked_at, default=None)
    given = _answers(text)
    if asked is not None and (given or len(text) <= _SHORT or not chats.is_open(asked.order)):
        return await _answer(tx, asked, given)
    if given and any(one.template in _QUESTIONS for one in got):
        late = next((one for one in about if one.message.template in _QUESTIONS), about[0] if about else None)
        return "unknown" if late is None else await _say_again(tx, late, "answer_too_late", "late")
    return await _say(tx, about, text)


async def _stop(tx: Tx, reply: Reply, got: Sequence[Message], text: str) -> str:
    """End all text messages to a number, about all orders. One last text message confirms it."""
    was_stopped = await stored.suppression(tx, SMS, reply.number) is not None
    await messages.suppress(tx, SMS, reply.number, "reply", text)
    return "stopped" if was_stopped else await _tell(tx, reply, got, "sms_unsubscribed", "stopped")


async def _answer(tx: Tx, asked: _About, given: Sequence[tuple[int | None, bool]]) -> str:
    """Answer the replacements of an order. If it is unclear which are meant, write how to answer."""
    retailer, order = asked.retailer, await orders.lock(tx, asked.retailer.id, asked.order.order_id)
    waiting = values.waiting(order)
    if not waiting:  # answered on the page, or bought, since the order was read
        return await _say_again(tx, asked, "answer_too_late", "late")
    chosen: list[tuple[OrderLine, bool]] = []
    for number, is_yes in given:
        line = waiting.get(number) if number is not None else next(iter(waiting.values()))
        if line is None or (number is None and len(waiting) > 1) or (line.proposed_at or 0) > asked.asked_at:
            return await _say_again(tx, asked, "answers_unclear" if len(waiting) > 1 else "answer_unclear", "unclear")
        chosen.append((line, is_yes))
    if not chosen:
        return await _say_again(tx, asked, "answers_unclear" if len(waiting) > 1 else "answer_unclear", "unclear")
    for line, is_yes in chosen:
        await replacements.answer(tx, retailer.id, order, line.line_num, is_yes)
    if accepted := [line for line, is_yes in chosen if is_yes]:  # of refunds, an event tells
        locale = asked.message.locale
        known = {"retailer": retailer.name, "items": await values.products(tx, retailer, accepted, locale)}
        await ops.write(tx, retailer, order, asked.way, "answer_accepted", known, is_answer=True)
    return "answered"


async def _say(tx: Tx, about: Sequence[_About], text: str) -> str:
    """Send a text to the shopper of the newest order whose chat is open."""
    if not about:
        return "unknown"
    to = next((one for one in about if chats.is_open(one.order)), None)
    if to is not None and text:
        order = await orders.lock(tx, to.retailer.id, to.order.order_id)
        try:
            await tx.attempt(chat.say, to.retailer.id, order, Sender(CUSTOMER), Said(body=text))
        except ApiError as refused:
            return "limited" if refused.status == 429 else await _say_again(tx, to, "nobody_reads", "unread")
        return "said"
    return await _say_again(tx, about[0], "nobody_reads", "unread")


async def _say_again(tx: Tx, to: _About, template: str, outcome: str) -> str:
    known = await values.of(tx, to.retailer, to.order, template, to.message.locale, {})
    if known is not None:
        await ops.write(tx, to.retailer, to.order, to.way, template, known, is_answer=True)
    return outcome


async def _tell(tx: Tx, reply: Reply, got: Sequence[Message], template: str, outcome: str) -> str:
    """Answer with a text of the operator, in the language of the newest message to the number."""
    newest = got[0] if got else None
    locale = texts.LOCALES[0] if newest is None else newest.locale
    text = await texts.render(tx, texts.OPERATOR, template, locale, SMS, {"brand": reply.brand})
    await messages.write(
        tx,
        Letter(
            recipient=f"phone/{addresses.hash_of(tx.keys, SMS, reply.number).hex()[:32]}",
            channel=SMS,
            address=reply.number,
            template=template,
            locale=locale,
            subject=text.title,
            body=text.text,
            order_id=None if newest is None else newest.order_id,
            retailer_id=reply.retailer_id if newest is None else newest.retailer_id,
            is_answer=True,
        ),
    )
    return outcome


async def _about(tx: Tx, number: str, got: Sequence[Message]) -> list[_About]:
    """The orders that messages are about, the one with the newest message first.

    Left out are orders whose customer has another number by now: the number that got the messages may be a stranger's.
    """
    of_orders: dict[tuple[int, str], list[Message]] = {}
    for one in got:
        if one.retailer_id is not None and one.order_id is not None:
            of_orders.setdefault((one.retailer_id, one.order_id), []).append(one)
    about = []
    for (retailer_id, order_id), told in of_orders.items():
        order = await found_orders.find(tx, retailer_id, order_id)
        now = None if order is None else await reach.number_of(tx, order)
        if order is not None and now is not None and addresses.normal(SMS, now) == addresses.normal(SMS, number):
            asked_at = next((one.created_at for one in told if one.template in _ASKING), 0)
            about.append(_About(await retailers.retailer(tx, retailer_id), order, told[0], asked_at))
    return about


def _answers(text: str) -> Sequence[tuple[int | None, bool]]:
    """The answers in a text such as `Y`, `2n` or `1Y, 2N`; empty if it has anything else."""
    rest = _ANSWER.sub("", text)
    if re.sub(r"[\s.,;!]+|\b(and|et|y)\b", "", rest):
        return ()
    return [(int(number) if number else None, word.casefold() in _YES) for number, word in _ANSWER.findall(text)]
