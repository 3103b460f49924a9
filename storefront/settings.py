"""The shop's settings."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

CALLBACK_PATH = "/account/link/callback"
EVENTS_PATH = "/callbacks"
TOKEN_PATH = "/callbacks/token"  # noqa: S105  a path
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Settings:
    """URLs and names. Raises ValueError for a URL that is neither https nor http to this machine.

    allow_plain_http: allow http to other machines too, for a demo in a private network.

    api_url: the platform's Connect API. issuer: the `iss` of its authorization answers, byte for byte; None: api_url.
    account_url: the platform's page where customers unlink; None: notices name that page without a link to it.
    retailer: slug of the shop's banner, for an API client of several. public_url: the shop's URL in browsers.
    callback_client_id, callback_client_secret: credentials of the platform's webhook at TOKEN_PATH. Without them the
    shop accepts no callbacks, and asks for the state of an order instead.
    callback_signing_secret: the webhook's signing secret, if it signs.
    """

    api_url: str
    authorize_url: str
    client_id: str
    client_secret: str = field(repr=False)
    public_url: str
    brand: str = "Handcart"
    membership: str = "Handcart+"
    issuer: str | None = None
    account_url: str | None = None
    retailer: str | None = None
    allow_plain_http: bool = False
    callback_client_id: str | None = None
    callback_client_secret: str | None = field(default=None, repr=False)
    callback_signing_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("api_url", "authorize_url", "public_url", "account_url"):
            url = getattr(self, name)
            if url is None:
                continue
            parts = urlsplit(url)
            is_allowed = self.allow_plain_http or parts.hostname in LOOPBACK
            if parts.scheme != "https" and (parts.scheme != "http" or not is_allowed):
                raise ValueError(f"{name} {url!r} must be an https:// address, or http:// on this machine")
            if not parts.hostname or url.endswith("/"):
                raise ValueError(f"{name} {url!r} must name a host and not end with a slash")
        if bool(self.callback_client_id) != bool(self.callback_client_secret):
            raise ValueError("callbacks need both a client id and a client secret")

    @property
    def redirect_uri(self) -> str:
        """The redirect page, exactly as registered with the platform."""
        return self.public_url + CALLBACK_PATH

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def takes_callbacks(self) -> bool:
        return bool(self.callback_client_id)

    @property
    def authorize_origin(self) -> str:
        parts = urlsplit(self.authorize_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")
