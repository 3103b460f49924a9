"""After a whole journey, no secret that was issued or typed is in the logs or in the database (ASVS 16.2.5, 11.4.1)."""

import base64
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from handcart.accounts import ops as accounts
from handcart.core import clock, log
from handcart.sign_in import passwords
from tests.support.extent import DATABASES
from tests.support.server import SECRET_KEY, LiveServer, live_server, migrated_database
from tests.support.shop import PASSWORD, SampleAccount, Shop, Visitor, answer, first_form

NEW_PASSWORD = "a second password that nobody guesses"
WRONG_PASSWORD = "a third password, tried in vain"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}


@pytest.fixture(params=DATABASES)
def logged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[LiveServer, io.StringIO]]:
    """A server of this test's own with its access log on, and what it logs."""
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path}/handcart.db"
    else:
        database = migrated_database(request.getfixturevalue("postgres_cluster"))
    lines = io.StringIO()
    log.to(lines)
    try:
        with live_server(database, tmp_path, access_log=True) as server:
            yield server, lines
    finally:
        log.to(None)


class Journey:
    """Everything that can be done with an account and a client, with every secret of it by name."""

    def __init__(self, server: LiveServer) -> None:
        self.shop = Shop(server)
        self.account: SampleAccount = self.shop.account(member_for=30 * clock.DAY)
        self.secrets = {
            "secret key": SECRET_KEY,
            "client secret": self.shop.client.client_secret,
            "password": PASSWORD,
            "new password": NEW_PASSWORD,
            "wrong password": WRONG_PASSWORD,
            "verifier": VERIFIER,
            "API token": self.shop.token,
        }
        self.visitor = Visitor(self.shop)
        self._link()
        self._refuse()
        self._manage()

    def _link(self) -> None:
        visitor, shop = self.visitor, self.shop
        visitor.authorize(**CHALLENGE)
        self._keep("before login")
        visitor.sign_in(self.account, WRONG_PASSWORD)
        self._keep("after a wrong password")
        visitor.sign_in(self.account)
        self._keep("after login")
        code = self.secrets["code"] = answer(visitor.decide("allow"))["code"]
        token = shop.redeem(code, code_verifier=VERIFIER).json()["access_token"]
        self.secrets["linking token"] = token
        shop.redeem(code, code_verifier=VERIFIER)  # revokes the token
        self.user_id = shop.user()
        shop.link(self.user_id, token)
        self.secrets["unspent code"] = answer(self._allow())["code"]
        self.secrets["second linking token"] = shop.redeem(answer(self._allow())["code"]).json()["access_token"]
        shop.link(self.user_id, self.secrets["second linking token"]).raise_for_status()

    def _allow(self) -> Any:
        self.visitor.authorize()
        return self.visitor.decide("allow")

    def _refuse(self) -> None:
        """Secrets where they do not belong: in queries, paths, headers, bodies that cannot be read."""
        shop, http = self.shop, self.shop.http
        secret, token = self.secrets["client secret"], self.secrets["API token"]
        for path in ("/v2/oauth/token", "/v2/oauth/token/revoke", "/oauth/authorize", "/account", "/nothing"):
            for method in ("GET", "POST"):
                http.request(method, path, params={**shop.credentials, "token": token, "password": PASSWORD})
        http.get(f"/v2/fulfillment/users/{token}/link", headers=shop.headers)
        http.get(f"/{quote(PASSWORD)}/{token}")
        http.get("/v2/nothing", headers={"Authorization": f"Bearer {token}", "X-Request-Id": secret})
        http.get("/v2/fulfillment/users/x/link", headers={"Authorization": f"Basic {token}"})
        http.post("/v2/oauth/token", content=f'{{"client_secret": "{secret}", ')
        http.post("/v2/fulfillment/users", content=f'{{"user_id": ["{token}"]}}', headers=shop.headers)
        shop.post_token(grant_type="authorization_code", code=secret, redirect_uri=PASSWORD, code_verifier=VERIFIER)
        assertion = base64.b64encode(f'{{"user_id": "{self.user_id}"}}'.encode()).decode()
        user = shop.post_token(grant_type="fulfillment_user_assertion", assertion=assertion)
        self.secrets["user token"] = user.json()["access_token"]
        http.post("/v2/oauth/token/introspect", json={**shop.credentials, "token": token})

    def _manage(self) -> None:
        visitor = self.visitor
        visitor.open("/account/password")
        visitor.submit(current_password=PASSWORD, new_password=NEW_PASSWORD)
        assert visitor.page.status_code == 200
        self._keep("after the new password")
        visitor.open(f"/account/links/{self.shop.slug}")
        visitor.submit()
        visitor.open("/account")
        visitor.submit()
        visitor.open("/account/sign-in")
        visitor.sign_in(self.account, NEW_PASSWORD)
        self._keep("after the second login")

    def _keep(self, when: str) -> None:
        """Note the cookies and the form token that the browser holds now."""
        for name, value in self.visitor.http.cookies.items():
            self.secrets[f"cookie {name} {when}"] = value
        self.secrets[f"form token {when}"] = first_form(self.visitor.page.text).fields["form_token"]


def spellings(secret: str) -> list[bytes]:
    """A secret as it is, as in a URL, as in JSON of HTTP Basic, and as the bytes behind it."""
    found = [secret.encode(), quote(secret).encode(), quote(secret, safe="").encode()]
    found += [base64.b64encode(secret.encode()).rstrip(b"="), secret.encode().hex().encode()]
    if re.fullmatch("[A-Za-z0-9_-]{43}", secret):
        found.append(base64.urlsafe_b64decode(secret + "="))
    if re.fullmatch("[0-9a-f]{64}", secret):
        found.append(bytes.fromhex(secret))
    return found


def stored(server: LiveServer) -> bytes:
    """Every byte of the SQLite files, every text and every byte string of the PostgreSQL tables."""
    if server.database == "sqlite":
        file = Path(server.app.settings.database_url.removeprefix("sqlite:///"))
        files = [path for path in file.parent.iterdir() if path.name.startswith(file.name)]
        assert f"{file.name}-wal" in {path.name for path in files}
        return b"".join(path.read_bytes() for path in files)
    columns = server.sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('text', 'character varying', 'bytea', 'json', 'jsonb', 'ARRAY') ORDER BY 1, 2"
    )
    assert len(columns) > 30
    values: list[Any] = []
    for column in columns:
        name, table = column["column_name"], column["table_name"]
        values += [row["value"] for row in server.sql(f'SELECT "{name}" AS value FROM "{table}"')]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


def test_whole_journey_then_no_secret_in_logs_or_database(logged: tuple[LiveServer, io.StringIO]) -> None:
    server, lines = logged
    journey = Journey(server)
    log.flush()
    kept, written = stored(server), lines.getvalue().encode()
    assert len(journey.secrets) >= 20
    assert all(len(secret) >= 8 for secret in journey.secrets.values())
    found = [
        (where, name)
        for where, content in (("log", written), ("database", kept))
        for name, secret in journey.secrets.items()
        for spelling in spellings(secret)
        if spelling in content
    ]
    print(f"{len(journey.secrets)} secrets: {len(found)} found in {len(written)} + {len(kept)} bytes")
    assert found == []
    # The search sees what there is: lines of every route, and what may be known in every table.
    for seen in (b"/v2/oauth/token", b"/oauth/authorize/{request_id}/sign-in", b"/account/password", b'"request"'):
        assert seen in written
    for seen in (journey.account.email, journey.shop.slug, journey.shop.client.client_id, journey.user_id):
        assert seen.encode() in kept
    assert server.app.keys.hash(journey.secrets["linking token"]) in kept
    # Nor does the log know who the people are.
    for personal in (journey.account.email, journey.user_id, "Sample"):
        assert personal.encode() not in written


@pytest.mark.usefixtures("our_hashes")
def test_passwords_then_argon2id_alone_is_kept(logged: tuple[LiveServer, io.StringIO]) -> None:
    server, _ = logged
    journey = Journey(server)
    account = server.read(accounts.by_id, journey.account.id)
    assert account.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords._verify(account.password_hash, NEW_PASSWORD)


def test_database_file_then_closed_to_others(tmp_path: Path) -> None:
    with live_server(f"sqlite:///{tmp_path}/handcart.db", tmp_path) as server:
        Shop(server)
        modes = {path.name: os.stat(path).st_mode & 0o077 for path in tmp_path.iterdir()}
    assert modes
    assert set(modes.values()) == {0}, modes
