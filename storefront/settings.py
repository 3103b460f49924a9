"""What one run of the shop is configured with."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

CALLBACK_PATH = "/account/link/callback"
EVENTS_PATH = "/callbacks"
TOKEN_PATH = "/callbacks/token"  # noqa: S105  a path
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Settings:
    """Addresses and names. ValueError for an address that is not https, or http to this very machine.

    allow_plain_http: for a demo in a private network, http may lead to other machines too.

    api_url: the platform's Connect API. issuer: byte for byte the `iss` of its authorization answers; None: api_url.
    retailer: slug of the banner that the shop is, for an API client of several. public_url: where browsers find it.
    callback_client_id, callback_client_secret: what the platform's webhook presents at TOKEN_PATH; without them the
    shop takes no callbacks, and asks for the state of an order instead.
    callback_signing_secret: the webhook's, if it signs.
    """

    api_url: str
    authorize_url: str
    client_id: str
    client_secret: str = field(repr=False)
    public_url: str
    brand: str = "Handcart"
    membership: str = "Handcart+"
    issuer: str | None = None
    retailer: str | None = None
    allow_plain_http: bool = False
    callback_client_id: str | None = None
    callback_client_secret: str | None = field(default=None, repr=False)
    callback_signing_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("api_url", "authorize_url", "public_url"):
            url = getattr(self, name)
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
    def takes_callbacks(self) -> bool:
        return bool(self.callback_client_id)

    @property
    def authorize_origin(self) -> str:
        parts = urlsplit(self.authorize_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")
