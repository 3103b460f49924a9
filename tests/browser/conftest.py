"""Browsers and the demo, for tests with real Chromium."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from handcart.sign_in.models import STAFF
from tests.browser.sample import Sample
from tests.support.browser import Demo, Visit, chromium, running_demo
from tests.support.console import Person
from tests.support.server import LiveServer

# As long as Chromium's own actions wait: a slow machine is no failure.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for a file: another file may need other switches, and Playwright runs once in a thread."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo of all these tests; at its end, its logs must contain no secret."""
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo
        logs = demo.logs()
    assert '"event":"request"' in logs, "the access log is off, so it would prove nothing"
    assert [name for name, secret in demo.secrets.items() if secret in logs] == []


@pytest.fixture
def demo(running: Demo) -> Demo:
    """The demo without links."""
    running.start_over()
    return running


@pytest.fixture
def visit(demo: Demo, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens browser windows; at the end of the test, no window may have a problem that the test did not remove."""
    visits: list[Visit] = []

    def open_window(**options: object) -> Visit:
        visits.append(Visit(demo, browser, **options))
        return visits[-1]

    yield open_window
    for each in visits:
        each.close()
        demo.secrets |= {f"code {code[:4]}": code for code in each.codes}
    assert [problem for each in visits for problem in each.problems] == []


@pytest.fixture
def sample(server: LiveServer) -> Sample:
    """What the console's pages show."""
    return Sample(server)


@pytest.fixture
def desk(sample: Sample, browser: Browser) -> Iterator[Page]:
    """A window in which an operator admin is signed in; it may have no message on its console."""
    person = Person(sample.server)
    with browser.new_context(reduced_motion="reduce", base_url=sample.server.url) as opened:
        cookie = person.http.cookies[STAFF.cookie]
        opened.add_cookies([{"name": STAFF.cookie, "value": cookie, "url": f"{sample.server.url}/console"}])
        page = opened.new_page()
        messages: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        yield page
        assert messages == []
