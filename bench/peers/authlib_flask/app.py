"""Authlib's Flask authorization server on SQLite: client_credentials tokens stored as rows, one protected resource.

Authlib leaves storage to the application (`query_client`, `save_token`, `authenticate_token`). This uses plain
`sqlite3`, because with the SQLAlchemy mixins of Authlib's documentation each token was several times as expensive.
Tokens are committed one by one, WAL with full synchronous commits.

Environment: BENCH_DATABASE (path of the SQLite file).
"""

import os
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6750 import BearerTokenValidator
from flask import Flask, abort, jsonify

SCHEMA = """
CREATE TABLE clients (client_id TEXT PRIMARY KEY, client_secret TEXT NOT NULL, scope TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens (access_token TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients, scope TEXT NOT NULL,
    issued_at INTEGER NOT NULL, expires_in INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE links (user_id TEXT PRIMARY KEY, express_member INTEGER NOT NULL, expired_at TEXT NOT NULL) WITHOUT ROWID;
"""

per_thread = threading.local()


def connection() -> sqlite3.Connection:
    if not hasattr(per_thread, "connection"):
        per_thread.connection = sqlite3.connect(os.environ["BENCH_DATABASE"], timeout=30, isolation_level=None)
        per_thread.connection.execute("PRAGMA synchronous = FULL")
        per_thread.connection.execute("PRAGMA foreign_keys = ON")
    return per_thread.connection


@dataclass
class Client(ClientMixin):
    client_id: str
    client_secret: str
    scope: str

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return " ".join(one for one in scope.split() if one in self.scope.split()) if scope else ""

    def check_client_secret(self, client_secret):
        return secrets.compare_digest(self.client_secret, client_secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_post"

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


@dataclass
class Token(TokenMixin):
    client_id: str
    scope: str
    issued_at: int
    expires_in: int
    revoked: int

    def get_scope(self):
        return self.scope

    def is_expired(self):
        return self.issued_at + self.expires_in < time.time()

    def is_revoked(self):
        return bool(self.revoked)


def query_client(client_id):
    query = "SELECT client_id, client_secret, scope FROM clients WHERE client_id = ?"
    row = connection().execute(query, (client_id,)).fetchone()
    return row and Client(*row)


def save_token(token, request):
    connection().execute(
        "INSERT INTO tokens (access_token, client_id, scope, issued_at, expires_in) VALUES (?, ?, ?, ?, ?)",
        (token["access_token"], request.client.client_id, token["scope"], int(time.time()), token["expires_in"]),
    )


class StoredTokenValidator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        query = "SELECT client_id, scope, issued_at, expires_in, revoked FROM tokens WHERE access_token = ?"
        row = connection().execute(query, (token_string,)).fetchone()
        return row and Token(*row)


app = Flask(__name__)
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 86400}
server = AuthorizationServer(app, query_client=query_client, save_token=save_token)
require_token = ResourceProtector()
require_token.register_token_validator(StoredTokenValidator())


@server.register_grant
class PostedClientCredentialsGrant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]


@app.get("/live")
def live():
    return jsonify(ok=True)


@app.post("/oauth/token")
def issue_token():
    return server.create_token_response()


@app.get("/users/<user_id>/link")
@require_token("connect:fulfillment")
def get_link(user_id):
    query = "SELECT express_member, expired_at FROM links WHERE user_id = ?"
    row = connection().execute(query, (user_id,)).fetchone() or abort(400)
    return jsonify(express_member=bool(row[0]), expired_at=row[1])
