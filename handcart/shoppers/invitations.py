"""Invite shoppers by a one-time link, with which a shopper chooses a PIN and signs a device in."""

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.shoppers import ops, queries
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.models import Invitation, Person
from handcart.sign_in import devices, links, passkeys, sessions
from handcart.sign_in.models import SHOPPER, SignedIn
from handcart.staff import audit, roles
from handcart.staff.models import SYSTEM, Actor

#: How long an invitation works.
SECONDS = 15 * 60
_PURPOSE = "invitation"


async def invite(tx: Tx, actor: Actor, person_id: int, issuer: str) -> Invitation:
    """Make a link with which a shopper signs a device in, once; older invitations end. Raises `ShopperRefused`.

    `issuer` is the public URL of this installation; raises `Refused` without it.
    """
    roles.require(actor, "invite_shoppers")
    if not issuer:
        raise Refused(
            "the public URL is not known: set HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`"
        )
    person = await ops.lock(tx, person_id)
    if person.blocked_at is not None:
        raise ShopperRefused("blocked", f"{person.name} is blocked: unblock them first")
    token = await links.make(tx, SHOPPER, _PURPOSE, person.id, SECONDS)
    await audit.record(tx, actor, "invite_shopper", f"shopper/{person.id}")
    return Invitation(person, f"{issuer}/shopper/join/{token}", clock.of_process() + SECONDS * clock.SECOND)


async def invited(tx: Tx, token: str) -> tuple[Person | None, str]:
    """The shopper whom an invitation is for, and its state: `open`, `used`, `expired` or `unknown`.

    Only an open one has a shopper.
    """
    link = await links.look(tx, SHOPPER, _PURPOSE, token)
    if link is None or link.state != "open":
        return None, "unknown" if link is None else link.state
    return await queries.person(tx, link.person_id), link.state


async def join(tx: Tx, token: str, pin_hash: str, old_session: str, device_name: str) -> SignedIn | None:
    """Set the PIN and sign a device in with an invitation; None if it no longer works. Other devices are locked.

    Passkeys end: a lost phone may have them.

    Of two calls at once with one invitation, only one succeeds. `old_session` is the browser's cookie; it ends.
    """
    person_id = await links.use(tx, SHOPPER, _PURPOSE, token)
    if person_id is None:
        return None
    person = await ops.lock(tx, person_id)
    await ops.set_pin(tx, person.id, pin_hash)
    await devices.lock_all(tx, SHOPPER, person.id)
    await passkeys.remove_all(tx, SHOPPER, person.id)
    replaced = await sessions.find(tx, SHOPPER, old_session)  # it may be another shopper's
    before = {one.id: one for one in await sessions.of_person(tx, SHOPPER, person.id)}
    before |= {} if replaced is None else {replaced.id: replaced}
    session = await sessions.start(tx, SHOPPER, person.id, old_session, device_name)
    await audit.record(tx, queries.actor(person), "join", f"shopper/{person.id}", detail={"device": device_name})
    left = {one.id for one in await sessions.of_person(tx, SHOPPER, person.id)}
    for ended in before.values():
        if ended.id not in left:
            subject, detail = f"shopper/{ended.person_id}", {"device": str(ended.id)}
            await audit.record(tx, SYSTEM, "end_device", subject, reason="replaced by a newer device", detail=detail)
    return SignedIn(session)
