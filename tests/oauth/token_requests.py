"""Requests for tokens, byte by byte."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.support.shop import Shop

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def post(shop: Shop, content_type: str | None, body: bytes, **headers: str) -> httpx.Response:
    given = {**({} if content_type is None else {"Content-Type": content_type}), **headers}
    return shop.http.post("/v2/oauth/token", content=body, headers=given)


def as_json(shop: Shop, **parameters: Any) -> bytes:
    return json.dumps({"grant_type": "client_credentials", **shop.credentials, **parameters}).encode()


def as_form(shop: Shop, **parameters: str) -> bytes:
    return urlencode({"grant_type": "client_credentials", **shop.credentials, **parameters}).encode()
