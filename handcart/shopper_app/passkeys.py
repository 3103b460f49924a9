"""The app's operations about passkeys: unlock the device with one, add and remove them."""

from collections.abc import Sequence
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.call import Call, Handler, Route
from handcart.shopper_app import account, errors
from handcart.shopper_app.browser import any_device_in, cookie_of, device_in, device_of
from handcart.shopper_app.wire import (
    AddPasskey,
    Done,
    Me,
    Passkey,
    Passkeys,
    RemovePasskey,
    UnlockOptions,
    UnlockWithPasskey,
)
from handcart.shoppers import passkeys
from handcart.shoppers.errors import DeviceEnded
from handcart.sign_in import passkeys as webauthn
from handcart.sign_in.errors import PasskeyRefused
from handcart.sign_in.models import SHOPPER
from handcart.sign_in.models import Passkey as KnownPasskey

# A credential with its attestation.
_MOST_BODY = 16 << 10


async def _unlock_options(tx: Tx, call: Call) -> UnlockOptions:
    """What a locked device needs to ask for a passkey."""
    device, url = await any_device_in(tx, call), call.app.settings.issuer
    known = await webauthn.of_person(tx, SHOPPER, device.person.id)
    if not known or not webauthn.are_possible(url):
        return UnlockOptions(None)
    return UnlockOptions(webauthn.request_options(call.app.keys, url, cookie_of(call)))


async def _unlock(tx: Tx, call: Call) -> Me:
    """Unlock the device with a passkey."""
    device, body = await any_device_in(tx, call), call.body
    if device.person.blocked_at is not None:
        raise errors.blocked()
    try:
        await passkeys.unlock(
            tx, device.person, device.session_id, call.app.settings.issuer, cookie_of(call), body.credential
        )
    except PasskeyRefused as refused:
        raise errors.refused_passkey(refused.reason) from None
    except DeviceEnded:
        raise errors.signed_out() from None
    return await account.me(tx, call)


async def _list(call: Call) -> Passkeys:
    """The shopper's passkeys."""
    device, url = await device_of(call), call.app.settings.issuer
    person, known = device.person, await call.app.database.read(webauthn.of_person, SHOPPER, device.person.id)
    options = None
    if webauthn.are_possible(url):
        keys, session = call.app.keys, cookie_of(call)
        options = webauthn.creation_options(keys, url, SHOPPER, session, person.id, person.name, known)
    return Passkeys(options, [_shown(one) for one in known])


async def _add(tx: Tx, call: Call) -> Done:
    """Keep a passkey, under the name of the device."""
    device, body = await device_in(tx, call), call.body
    try:
        await passkeys.add(tx, device.person, call.app.settings.issuer, cookie_of(call), body.credential, device.name)
    except PasskeyRefused as refused:
        raise errors.refused_passkey(refused.reason) from None
    return Done()


async def _remove(tx: Tx, call: Call) -> Done:
    """Remove a passkey."""
    if not await passkeys.remove(tx, (await device_in(tx, call)).person, call.body.id):
        raise errors.no_passkey()
    return Done()


def _shown(known: KnownPasskey) -> Passkey:
    used_at = None if known.used_at is None else clock.to_wire(known.used_at)
    return Passkey(known.credential_id, known.name, clock.to_wire(known.created_at), used_at)


def _post(path: str, handler: Handler, body: type[Any]) -> Route:
    return Route(
        method="POST", path=f"/shopper/api/{path}", handler=handler, tx="write", body=body, most_body=_MOST_BODY
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/shopper/api/unlock/passkey", handler=_unlock_options, tx="read"),
    _post("unlock/passkey", _unlock, UnlockWithPasskey),
    Route(method="GET", path="/shopper/api/passkeys", handler=_list),
    _post("passkeys", _add, AddPasskey),
    _post("passkeys/remove", _remove, RemovePasskey),
)
