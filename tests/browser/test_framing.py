"""No page of the platform can be shown in a frame (RFC 9700 section 4.16, ASVS 3.4.6)."""

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

import pytest

from tests.support.browser import Demo, Visit


class Attacker(BaseHTTPRequestHandler):
    """Any path shows a page with what the path names in a frame."""

    def do_GET(self) -> None:
        page = f'<!doctype html><title>Win</title><h1>Win</h1><iframe src="{unquote(self.path[1:])}"></iframe>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def attacker_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Attacker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


# Another port of the same host is the same site: there the browser sends our cookie along.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "other site"])
def test_page_in_a_frame_then_not_rendered(
    visit: Callable[..., Visit], demo: Demo, attacker_port: int, host: str
) -> None:
    customer, origin = visit(), f"http://{host}:{attacker_port}"
    customer.to_account("/sign-in")
    customer.log_in(demo.member)
    for url in (
        demo.authorize_url(),
        f"{demo.api_url}/account",
        f"{demo.api_url}/account/sign-in",
        demo.authorize_url(client_id="nobody"),
    ):
        with customer.page.expect_console_message(lambda message: "frame-ancestors 'none'" in message.text):
            customer.page.goto(f"{origin}/{quote(url, safe='')}")
        customer.page.frames[1].wait_for_url(re.compile("^chrome-error:"), wait_until="commit")
    # Else the refusals above prove nothing: what forbids no framing does show there.
    customer.page.goto(f"{origin}/{quote(f'{demo.api_url}/live', safe='')}")
    assert customer.page.frames[1].inner_text("body") == '{"status":"live"}'
    customer.problems.clear()
