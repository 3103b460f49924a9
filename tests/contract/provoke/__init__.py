"""Functions that provoke each documented refusal, by name; the modules of this package register them.

The name is the first eight words of the message, then the key, as in docs/openapi.json. Two refusals of one operation
with the same name are an error when the description is made.
"""

import copy
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from handcart.oauth import scopes
from handcart.retailers import clients
from tests.contract.operations import Attempt, Operation
from tests.support.shop import Shop


class Provoked(Attempt):
    """An attempt with what is needed to break things around it; `shown` is the documented answer."""

    def __init__(
        self, operation: Operation, shop: Shop, shown: Any, monkeypatch: pytest.MonkeyPatch, later: Any
    ) -> None:
        super().__init__(operation, shop)
        self.shown = shown
        self.monkeypatch = monkeypatch
        self.later = later

    def again(self, shown: Any, monkeypatch: pytest.MonkeyPatch) -> "Provoked":
        """The same attempt with another answer in view; what this one changes, the first one does not see."""
        other = copy.copy(self)
        other.shop, other.body = copy.copy(self.shop), dict(self.body)
        other.shown, other.monkeypatch = shown, monkeypatch
        return other

    def token(self, **parameters: str) -> dict[str, str]:
        """The header with a new bearer token."""
        answer = self.shop.post_token(grant_type="client_credentials", **parameters)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def become_organization(self) -> None:
        """Make the calls with a client for all banners of the shop's organization."""
        made = self.shop.server.write(clients.create, organization=self.shop.slug, scopes=scopes.ALL)
        self.shop.client = made
        self.body |= {name: value for name, value in self.shop.credentials.items() if name in self.body}


Provocation = Callable[[Provoked], httpx.Response]
PROVOCATIONS: dict[str, Provocation] = {}


def provokes(*names: str) -> Callable[[Provocation], Provocation]:
    """Register what provokes a refusal: by its name, or by `operation:name` where that operation needs its own."""

    def register(provocation: Provocation) -> Provocation:
        assert not PROVOCATIONS.keys() & set(names)
        PROVOCATIONS.update(dict.fromkeys(names, provocation))
        return provocation

    return register
