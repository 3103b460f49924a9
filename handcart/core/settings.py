"""Settings: one frozen class, read from `HANDCART_*` environment variables. Command line options override them.

`docs/operations/settings.md` is generated from here (`make docs`).
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from handcart.core.db import no_installation
from handcart.core.db.connect import is_postgres, sqlite_path
from handcart.core.email import is_address
from handcart.core.errors import Refused
from handcart.core.secret import KEY_BYTES, Keys, is_guessable

PREFIX = "HANDCART_"
# Values of `smtp_security`.
SMTP_STARTTLS, SMTP_TLS, SMTP_PLAIN = "starttls", "tls", "none"
PUBLIC = "public"  # value of `console`: the console is served with the API
NO_PROXY = "none"  # value of `trusted_proxies`: no proxy, on purpose

_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_LAST_PORT = 65535
_ALL = 100  # percent
_LISTENER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")
_OF_CONSOLE = "127.0.0.1:8090"
# Earlier keys follow the secret key, separated by white space.
# The start of a file of map tiles: PMTiles version 3 has its kind of tiles in byte 99; 1 are vector tiles (MVT).
_TILES = re.compile(rb"PMTiles\x03.{91}\x01", re.DOTALL)
_EARLIER = re.compile(r"\s+earlier:([0-9a-f]{64})")


def is_origin(url: str) -> bool:
    """Whether a URL is http or https, a host, and at most a port up to 65535."""
    found = _ORIGIN.fullmatch(url)
    return found is not None and (found[2] is None or int(found[2][1:]) <= _LAST_PORT)


class SettingsError(Refused):
    """A setting is invalid. The text says what to change."""


def _setting(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings, with the defaults of a production server."""

    environment: str = _setting(
        "production", "`production`, or `sandbox` for development, without safety checks at start."
    )
    data: str = _setting("", "Directory of the SQLite database and the key file. Default: the user's data directory.")
    database: str = _setting(
        "",
        "`sqlite:///path` or `postgresql://...`; behind PgBouncer with `?pooler=transaction` at its end. Default:"
        " `handcart.db` in the data directory.",
    )
    secret_key: str = _setting(
        "", "At least 32 random characters; the key of all stored hashes. Default: the key file."
    )
    secret_key_file: str = _setting("", "File that holds the secret key. Default: `secret.key` beside the database.")
    public_url: str = _setting(
        "", "URL of this server for browsers and clients, such as `https://connect.example.org`."
    )
    console: str = _setting(
        "",
        "`host:port` on which the console is served, apart from the API, or `public`: with the API. Default:"
        " `127.0.0.1:8090`; in a sandbox, `public`.",
    )
    console_url: str = _setting(
        "",
        "URL of the console for browsers, such as `https://console.example.org`. Default: that of `HANDCART_CONSOLE`.",
    )
    brand: str = _setting("Handcart", "Name of the platform on the pages.")
    time_zone: str = _setting(
        "UTC", "Time zone of the operator, such as `America/Chicago`, for dates in commands and on the pages."
    )
    membership: str = _setting("Handcart+", "Name of the paid membership.")
    trusted_proxies: str = _setting(
        "",
        "Addresses or networks of the reverse proxies whose X-Forwarded-For is trusted, separated by commas."
        " `none`: clients connect without a proxy.",
    )
    connections: int = _setting(
        4096, "Maximum open connections of each process. Its file descriptors limit them too; 0: no other limit."
    )
    connections_per_address: int = _setting(
        256, "Maximum open connections of each process from one address, except trusted proxies; 0: no limit."
    )
    keep_alive_seconds: int = _setting(
        75, "Seconds that a connection stays open between requests. Set it longer than the proxy's own timeout."
    )
    rate_limit_per_second: int = _setting(
        500, "Maximum requests per second of each API client and process; 0: no limit."
    )
    unserved_scopes: bool = _setting(
        False,
        "Issue tokens for the documented scopes that no endpoint here needs: `connect:recommendations`,"
        " `connect:compliance`, `connect:data_ingestion`, `connect:ian`.",
    )
    reference: bool = _setting(False, "Serve the API reference at `/reference` and `/openapi.json` in production too.")
    metrics_port: int = _setting(
        0, "Loopback port for Prometheus' `/metrics`; each further process uses the next free port."
    )
    metrics_public: bool = _setting(False, "Serve `/metrics` on the public port as well.")
    access_log: bool = _setting(
        True, "Log one line for each request. Requests that fail by a defect are always logged."
    )
    deliver_callbacks: bool = _setting(
        True, "Send callbacks and messages from `serve` too. Off: only `handcart worker` sends them."
    )
    callback_networks: str = _setting(
        "", "Private networks that callbacks may reach, such as `10.1.0.0/16`, separated by commas."
    )
    callback_http: bool = _setting(False, "Allow plain http for callbacks and token requests.")
    callback_ports: str = _setting("443", "Ports that callbacks may reach, separated by commas; `*` for all.")
    verify_receivers: str = _setting(
        "production",
        "Servers that ask a receiver whether it agrees to callbacks before its webhook is enabled: `production`,"
        " `always` (sandboxes too), or `never`.",
    )
    smtp_host: str = _setting("", "Host of the mail server. Without it no mail is sent.")
    smtp_port: int = _setting(587, "Port of the mail server.")
    smtp_security: str = _setting(
        "starttls", "Encryption of the connection to the mail server: `starttls`, `tls` from its first byte, or `none`."
    )
    smtp_user: str = _setting("", "User name at the mail server. Without it this server does not sign in there.")
    smtp_password: str = _setting("", "Password at the mail server.")
    smtp_password_file: str = _setting("", "File that holds the password at the mail server.")
    alerts_to: str = _setting(
        "", "Addresses that get a mail when an alert begins and when it ends, separated by commas."
    )
    mail_from: str = _setting("", "Sender of mails, such as `Corner Market <no-reply@corner.example>`.")
    sms_gateway: str = _setting(
        "",
        "Gateway for text messages: `twilio`, `vonage`, or `log`, which only writes a line to the log. Without it no"
        " text message is sent.",
    )
    sms_url: str = _setting("", "URL of the gateway's API, such as a regional one. Default: the gateway's usual URL.")
    sms_account: str = _setting("", "Account at the gateway: Twilio's account SID, Vonage's API key.")
    sms_secret: str = _setting("", "Secret of the account: Twilio's auth token, Vonage's API secret.")
    sms_secret_file: str = _setting("", "File that holds the secret of the account.")
    sms_signature_secret: str = _setting(
        "", "Vonage's signature secret (SHA-256 HMAC). Without it, replies and delivery receipts of Vonage are refused."
    )
    sms_signature_secret_file: str = _setting("", "File that holds Vonage's signature secret.")
    sms_from: str = _setting("", "Phone number that sends text messages, or Twilio's messaging service (`MG...`).")
    message_days: int = _setting(90, "Days for which messages can be read after they were sent.")
    chat_days: int = _setting(90, "Days for which chat messages between customers and shoppers are kept.")
    request_log_percent: int = _setting(
        1, "Percent of the successful API calls that are kept in the request log, from 0 to 100."
    )
    request_log_days: int = _setting(14, "Days for which API calls are kept in the request log.")
    request_log_rows: int = _setting(
        200_000, "Maximum number of API calls in the request log; the oldest are deleted. 0: there is no log."
    )
    self_service: bool = _setting(
        False,
        "Customers make accounts, get new passwords, change their address and close their accounts themselves, with"
        " links in mails.",
    )
    map_tiles: str = _setting(
        "",
        "PMTiles file of vector tiles for the street map in the console. Without it the console draws only its plan.",
    )
    travel_kmh: int = _setting(40, "Average speed of shoppers on the road, in kilometres per hour, for plans.")
    decision_days: int = _setting(14, "Days for which it can be read why a shopper got an order.")
    picture_days: int = _setting(30, "Days for which pictures, such as proofs of delivery, are kept.")
    pool_size: int = _setting(10, "Number of each process' connections to PostgreSQL.")

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def is_sandbox(self) -> bool:
        return self.environment == "sandbox"

    @property
    def proxies(self) -> str:
        """The trusted proxies in uvicorn's format; empty if there are none."""
        return "" if self.trusted_proxies == NO_PROXY else self.trusted_proxies

    @property
    def issuer(self) -> str:
        """The public URL without a slash at its end: OAuth's `iss`."""
        return self.public_url.rstrip("/")

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def console_listener(self) -> tuple[str, int] | None:
        """Host and port of the console's own listener; None: the console is served with the API."""
        found = _LISTENER.fullmatch(self.console or (PUBLIC if self.is_sandbox else _OF_CONSOLE))
        return None if found is None else (found[1] or found[2], int(found[3]))

    @property
    def console_origin(self) -> str:
        """The URL of the console for browsers, without a slash at its end; empty if nobody knows it."""
        if self.console_url or self.console_listener is None:
            return self.console_url.rstrip("/") or self.issuer
        host, port = self.console_listener
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def data_directory(self) -> Path:
        base = os.environ.get("XDG_DATA_HOME", "")
        if not os.path.isabs(base):  # the XDG Base Directory Specification ignores relative paths
            base = "~/.local/share"
        return expanded(self.data or f"{base}/handcart")

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{(self.data_directory / 'handcart.db').resolve()}"

    @property
    def key_file(self) -> Path:
        if self.secret_key_file:
            return expanded(self.secret_key_file)
        if is_postgres(self.database_url):
            return self.data_directory / "secret.key"
        return Path(sqlite_path(self.database_url)).parent / "secret.key"


def load(environ: Mapping[str, str], **options: Any) -> Settings:
    """Settings from the environment; options that are not None win. Raises `SettingsError`, also for unknown names."""
    known = {setting.name: setting for setting in fields(Settings)}
    values = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        setting = known.get(name.removeprefix(PREFIX).lower())
        if setting is None:
            raise SettingsError(f"there is no setting {name}: docs/operations/settings.md lists the settings")
        values[setting.name] = _read(name, text, setting.type)
    values |= {name: value for name, value in options.items() if value is not None}
    settings = Settings(**values)
    if settings.environment not in ("production", "sandbox"):
        raise SettingsError("HANDCART_ENVIRONMENT must be production or sandbox")
    if settings.public_url and not is_origin(settings.public_url):
        raise SettingsError(f"the public URL {settings.public_url!r} must be https://host or https://host:port")
    if settings.console_url and not is_origin(settings.console_url):
        raise SettingsError(
            f"HANDCART_CONSOLE_URL has {settings.console_url!r}: write https://host or https://host:port"
        )
    if settings.console not in ("", PUBLIC):
        listener = settings.console_listener
        if listener is None or listener[1] > _LAST_PORT:
            raise SettingsError(f"HANDCART_CONSOLE has {settings.console!r}: write host:port, or public")
    _check_zone(settings.time_zone)
    if settings.metrics_port > _LAST_PORT:
        raise SettingsError(f"HANDCART_METRICS_PORT must be at most {_LAST_PORT}")
    for proxy in parts(settings.proxies):
        if proxy != "*":
            _check_network("HANDCART_TRUSTED_PROXIES", proxy)
    for network in parts(settings.callback_networks):
        _check_network("HANDCART_CALLBACK_NETWORKS", network)
    if settings.verify_receivers not in ("production", "always", "never"):
        raise SettingsError("HANDCART_VERIFY_RECEIVERS must be production, always or never")
    if settings.smtp_security not in (SMTP_STARTTLS, SMTP_TLS, SMTP_PLAIN):
        raise SettingsError("HANDCART_SMTP_SECURITY must be starttls, tls or none")
    if settings.sms_gateway not in ("", "twilio", "vonage", "log"):
        raise SettingsError("HANDCART_SMS_GATEWAY must be twilio, vonage or log")
    if settings.sms_url and not is_origin(settings.sms_url):
        raise SettingsError(f"HANDCART_SMS_URL has {settings.sms_url!r}: write https://host, without a path")
    for address in parts(settings.alerts_to):
        if not is_address(address):
            raise SettingsError(f"HANDCART_ALERTS_TO has {address!r}: write e-mail addresses, separated by commas")
    if settings.mail_from and not is_mail_sender(settings.mail_from):
        raise SettingsError(
            f"HANDCART_MAIL_FROM has {settings.mail_from!r}: write Name <address@example.org>, or only the address"
        )
    if settings.travel_kmh < 1:
        raise SettingsError("HANDCART_TRAVEL_KMH must be at least 1")
    if settings.request_log_percent > _ALL:
        raise SettingsError("HANDCART_REQUEST_LOG_PERCENT must be from 0 to 100")
    if not 0 < settings.smtp_port <= _LAST_PORT:
        raise SettingsError(f"HANDCART_SMTP_PORT must be from 1 to {_LAST_PORT}")
    for port in parts(settings.callback_ports):
        if port != "*" and not (port.isdecimal() and 0 < int(port) <= _LAST_PORT):
            raise SettingsError(f"HANDCART_CALLBACK_PORTS has {port!r}: write ports, separated by commas, or *")
    return settings


def is_mail_sender(text: str) -> bool:
    """Whether a text is an e-mail address, or a name followed by one in angle brackets."""
    _, bracket, rest = text.rpartition("<")
    address = rest.removesuffix(">") if bracket else text
    return text.isprintable() and bool(bracket) == text.endswith(">") and is_address(address) and address.isascii()


def check_map_tiles(settings: Settings) -> None:
    """Raise `SettingsError` if the file of map tiles is set but cannot be read, or has other contents."""
    if not settings.map_tiles:
        return
    try:
        with expanded(settings.map_tiles).open("rb") as file:
            start = file.read(127)
    except OSError as error:
        raise SettingsError(f"HANDCART_MAP_TILES names a file that cannot be read: {error}") from None
    if not _TILES.match(start):
        raise SettingsError(
            f"HANDCART_MAP_TILES has {settings.map_tiles!r}: name a PMTiles file (version 3) of vector tiles"
        )


def expanded(path: str) -> Path:
    """A path with `~` replaced by the home directory. Raises `SettingsError` if there is no home directory."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SettingsError(
            f"this user has no home directory, so {path} does not exist: set HOME, or give a directory by "
            "HANDCART_DATA (or --data)"
        ) from None


def keys(settings: Settings, *, may_make: bool = False) -> Keys:
    """The installation's keys; with `may_make`, creates a key file (mode 0600) if there is no key."""
    if may_make and not settings.secret_key and not settings.key_file.exists():
        write_private(settings.key_file, new_key())
    return read_keys(key_text(settings))


def key_fingerprint(settings: Settings) -> str | None:
    """The fingerprint of the secret key; None if there is no key yet."""
    return keys(settings).fingerprint if settings.secret_key or settings.key_file.exists() else None


def key_text(settings: Settings) -> str:
    """The text of the secret key, from the settings or the key file; raises `SettingsError` if there is none."""
    if settings.secret_key:
        return settings.secret_key
    if not settings.key_file.exists():
        if is_postgres(settings.database_url) or Path(sqlite_path(settings.database_url)).exists():
            raise SettingsError(
                f"there is no secret key at {settings.key_file.absolute()}: set HANDCART_SECRET_KEY_FILE or"
                " HANDCART_SECRET_KEY to the installation's key. To start a new one here, run `handcart migrate`."
            )
        raise SettingsError(no_installation(settings.key_file))
    return settings.key_file.read_text().strip()


def read_keys(text: str) -> Keys:
    """Parse the text of a secret key: the key, followed by what `handcart key rotate` kept of earlier keys.

    Raises `SettingsError` for a key that is too short.
    """
    key, *earlier = _EARLIER.split(text)
    if len(key) < KEY_BYTES:
        raise SettingsError(f"the secret key is too short: it needs at least {KEY_BYTES} random characters")
    return Keys(key.encode(), [bytes.fromhex(one) for one in earlier if one])


def new_key(before: Keys | None = None) -> str:
    """The text of a new secret key that can use the hashes made with the keys `before`."""
    earlier = [] if before is None else [f"earlier:{key.hex()}" for key in before.hash_keys]
    return "\n".join([secrets.token_urlsafe(KEY_BYTES), *earlier])


def is_key_guessable(text: str) -> bool:
    """Whether the secret key is unlikely to come from a random generator (`secret.is_guessable`)."""
    return is_guessable(_EARLIER.split(text)[0])


def secret(text: str, file: str) -> str:
    """A secret of a setting, or of the file that another setting names. Raises `SettingsError` if it has no file."""
    if text or not file:
        return text
    try:
        return expanded(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} must be a file that holds a secret and nothing else: {error}") from None


def parts(text: str) -> list[str]:
    """The items of a setting, separated by commas."""
    return [part for one in text.split(",") if (part := one.strip())]


def _check_zone(name: str) -> None:
    if name == "UTC":
        return
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # start-up time

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name is a directory, such as America
        raise SettingsError(f"HANDCART_TIME_ZONE has {name!r}: write a time zone such as America/Chicago") from None


def _check_network(name: str, text: str) -> None:
    """Refuse anything but an address or network, and networks with host bits, which uvicorn would silently ignore."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise SettingsError(f"{name} has {text!r}: write addresses or networks, separated by commas") from None
    if ip_address(text.partition("/")[0]) != network.network_address:
        raise SettingsError(f"{name} has {text!r}, an address inside a network: write {network}")


def write_private(file: Path, text: str) -> None:
    """Write a new file with mode 0600 and create its directory if needed; an existing file is not changed."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was first
        return
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text + "\n")
        opened.flush()
        os.fsync(descriptor)


def _read(name: str, text: str, kind: Any) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in ("0", "1", "true", "false", "on", "off", "yes", "no"):
            raise SettingsError(f"{name} must be on or off, not {text!r}")
        return text.lower() in ("1", "true", "on", "yes")
    if not text.isdecimal():
        raise SettingsError(f"{name} must be a whole number of 0 or more, not {text!r}")
    return int(text)
