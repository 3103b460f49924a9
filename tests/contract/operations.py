"""The operations of the OpenAPI description, and a request to each that the server accepts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from handcart import app
from handcart.core.settings import Settings
from tests.support.shop import Shop

DOCUMENT = app.description(Settings(public_url="https://connect.example.org"))


def resolved(part: Any) -> Any:
    """A part of the document, or what its reference points to."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


@dataclass(frozen=True)
class Operation:
    """One operation of the description."""

    method: str
    path: str
    described: dict[str, Any]

    def __str__(self) -> str:
        return str(self.described["operationId"])

    @property
    def bodies(self) -> list[Any]:
        """The documented examples of the request body."""
        content = self.described.get("requestBody", {}).get("content", {}).get("application/json", {})
        return [example["value"] for example in content.get("examples", {}).values()]

    def responses(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for status, response in self.described["responses"].items():
            yield int(status), resolved(response)

    def refusals(self) -> Iterator[tuple[int, str, Any]]:
        """Status, name and body of every refusal shown."""
        for status, response in self.responses():
            if status >= 400:
                for name, example in response["content"]["application/json"]["examples"].items():
                    yield status, name, example["value"]


OPERATIONS = {
    str(operation): operation
    for path, item in DOCUMENT["paths"].items()  # type: ignore[attr-defined]
    for operation in (Operation(method.upper(), path, described) for method, described in item.items())
}


class Attempt:
    """A request that the server would take; a test changes in it what is to be refused."""

    def __init__(self, operation: Operation, shop: Shop) -> None:
        self.operation = operation
        self.shop = shop
        self.user_id = shop.user()
        self.is_oauth = "/oauth" in operation.path
        true = {**shop.credentials, "user_id": f"new-{self.user_id}"}
        self.body = {name: true.get(name, value) for name, value in (operation.bodies or [{}])[0].items()}

    @property
    def path(self) -> str:
        return self.operation.path.replace("{user_id}", self.user_id)

    def send(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        content: str | bytes | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send it with these changes."""
        sent = {} if self.is_oauth else self.shop.headers
        if self.operation.bodies:
            sent["Content-Type"] = "application/json"
            content = json.dumps(self.body) if content is None else content
        return self.shop.http.request(
            method or self.operation.method,
            path or self.path,
            params=query,
            content=content,
            headers={**sent, **(headers or {})},
        )

    def having(self, **fields: Any) -> httpx.Response:
        """Send it with other values in these fields of the body; a field of None is left out."""
        body = {**self.body, **fields}
        return self.send(content=json.dumps({name: value for name, value in body.items() if value is not None}))
