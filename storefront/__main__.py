"""Run the shop: `python -m storefront --help`."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import uvicorn

from storefront.app import create_app
from storefront.news import News
from storefront.sessions import Sessions
from storefront.settings import CALLBACK_PATH, EVENTS_PATH, TOKEN_PATH, Settings

SECRET_VARIABLE = "STOREFRONT_CLIENT_SECRET"  # noqa: S105  a variable's name
CALLBACK_VARIABLES = {
    "callback_client_id": "STOREFRONT_CALLBACK_CLIENT_ID",
    "callback_client_secret": "STOREFRONT_CALLBACK_CLIENT_SECRET",
    "callback_signing_secret": "STOREFRONT_CALLBACK_SIGNING_SECRET",
}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m storefront",
        description="Sample Market, a small retailer site whose customers can link their platform account.",
        epilog=f"Secrets are read from the environment: the client's secret from {SECRET_VARIABLE}; for a webhook with"
        f" callback URL URL{EVENTS_PATH} and auth URI URL{TOKEN_PATH}, its credentials from"
        f" {', '.join(CALLBACK_VARIABLES.values())}. Without a webhook, order pages ask the API for the status.",
    )
    platform = parser.add_argument_group("the platform")
    platform.add_argument("--api-url", required=True, metavar="URL", help="base URL of the Connect API")
    platform.add_argument("--authorize-url", required=True, metavar="URL", help="authorization URL of the login page")
    platform.add_argument("--client-id", required=True, metavar="ID", help="the shop's API client")
    platform.add_argument("--issuer", metavar="URL", help="`iss` of its authorization answers, if not the API's URL")
    platform.add_argument("--account-url", metavar="URL", help="its page where customers unlink, for links to it")
    platform.add_argument("--retailer", metavar="SLUG", help="banner of the shop, for an API client of several banners")
    platform.add_argument("--brand", default="Handcart", metavar="NAME", help="name of the platform (%(default)s)")
    platform.add_argument(
        "--membership", default="Handcart+", metavar="NAME", help="name of its membership (%(default)s)"
    )
    shop = parser.add_argument_group("the shop")
    shop.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    shop.add_argument("--port", type=int, default=0, metavar="N", help="port to listen on; 0, the default, picks one")
    shop.add_argument("--fd", type=int, metavar="N", help="listen on this inherited socket instead")
    shop.add_argument(
        "--public-url",
        metavar="URL",
        help=f"the shop's URL in browsers, if it is behind a proxy; URL{CALLBACK_PATH} is the redirect URI",
    )
    shop.add_argument(
        "--allow-plain-http",
        action="store_true",
        help="allow http:// to other machines: only for a demo in a private network, since the network can read it",
    )
    shop.add_argument("--end-with-stdin", action="store_true", help="stop when standard input ends")
    shop.add_argument("--data", type=Path, metavar="DIR", help="directory of the sessions; in memory by default")
    return parser


class Server(uvicorn.Server):
    """Prints when the shop is open. Ends with status 0 on SIGINT and SIGTERM, without waiting for open pages."""

    def __init__(self, config: uvicorn.Config, public_url: str, news: News, *, ends_with_stdin: bool = False) -> None:
        super().__init__(config)
        self.ends_with_stdin = ends_with_stdin
        self.public_url = public_url
        self.news = news

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            print(f"Sample Market is open at {self.public_url}", flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.news.end()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        if self.ends_with_stdin:
            loop.add_reader(sys.stdin, self._end_with_stdin)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    def _end_with_stdin(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        self.handle_exit(signal.SIGTERM, None)


def listen(host: str, port: int, fd: int | None) -> socket.socket:
    """A socket that already queues connections, so that clients can connect as soon as the ready line is printed."""
    if fd is not None:
        return socket.socket(fileno=fd)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()  # `::` takes IPv4 as well
    return socket.create_server((host, port), family=family, dualstack_ipv6=both)


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    secret = os.environ.get(SECRET_VARIABLE)
    if not secret:
        parser.error(f"set the environment variable {SECRET_VARIABLE} to the secret of client {options.client_id}")
    try:
        listener = listen(options.host, options.port, options.fd)
        settings = Settings(
            api_url=options.api_url.rstrip("/"),
            authorize_url=options.authorize_url,
            client_id=options.client_id,
            client_secret=secret,
            public_url=(options.public_url or _address(listener)).rstrip("/"),
            brand=options.brand,
            membership=options.membership,
            issuer=options.issuer,
            account_url=options.account_url,
            retailer=options.retailer,
            allow_plain_http=options.allow_plain_http,
            **{name: os.environ.get(variable) or None for name, variable in CALLBACK_VARIABLES.items()},
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.data:
        options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    sessions, news = Sessions(options.data / "storefront.db" if options.data else None), News()
    # No access log: the query of the redirect page carries a code.
    config = uvicorn.Config(
        create_app(settings, sessions, news, [listener.getsockname()[0]]),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = Server(config, settings.public_url, news, ends_with_stdin=options.end_with_stdin)
    server.run(sockets=[listener])
    sessions.close()
    return 0 if server.started else 1


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    # A browser cannot go to "all addresses", and its content security policy knows no IPv6 addresses.
    host = {"0.0.0.0": "127.0.0.1", "::": "localhost", "::1": "localhost"}.get(host, host)  # noqa: S104 (compared)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
