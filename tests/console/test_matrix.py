"""Roles x pages x operations: each role calls every route of the console, at its own place and at another one.

A page takes part by a line in `EXAMPLES` (tests/support/console_routes.py).
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from handcart.core.web.call import Route
from handcart.sign_in.models import STAFF
from handcart.staff.roles import ROLES
from tests.support.console import Browser, Person
from tests.support.console_routes import EXAMPLES, OF_STORE, ONCE, ROUTES_OF_PEOPLE, SHARED, SUBJECTS, Example, key
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer

POSTS = [route for route in ROUTES_OF_PEOPLE if route.method == "POST"]
REFUSED = (403, 404)


class Console:
    """Every route of the console with a subject of one retailer, called by the person who is given."""

    def __init__(self, market: Market) -> None:
        self.market, self.server = market, market.server
        self._made: dict[str, dict[str, str]] = {}

    def call(self, browser: Browser, route: Route, token: tuple[str, ...] | None = None) -> httpx.Response:
        """Call a route; a POST with the form token of a subject, by default of the route's own."""
        example = example_of(route)
        values = self._values(example)
        path = route.path.format_map(values)
        if route.method == "GET":
            return browser.http.get(path)
        subject = [part.format_map(values) for part in (example.token if token is None else token)]
        fields = {name: text.format_map(values) for name, text in example.fields.items()}
        made = form_token(browser, *subject) if subject else ""
        return browser.http.post(path, data={**fields, "form_token": made})

    def _values(self, example: Example) -> dict[str, str]:
        if not example.subject:
            return {}
        if example.subject not in self._made:
            self._made[example.subject] = dict(SUBJECTS[example.subject](self.market))
        return self._made[example.subject]

    def make_again(self, route: Route) -> None:
        """Make a new subject for the next person, if the route deletes it."""
        if example_of(route).subject in ONCE:
            self._made.pop(example_of(route).subject)

    def make_all(self) -> None:
        """Make every subject, so that calls make none."""
        for route in ROUTES_OF_PEOPLE:
            self._values(example_of(route))


def example_of(route: Route) -> Example:
    return EXAMPLES[key(route.method, route.path)]


def form_token(browser: Browser, *subject: str) -> str:
    session = browser.http.cookies.get(STAFF.cookie) or ""
    return str(browser.server.app.keys.form_token(session, *subject))


def people(market: Market) -> Iterator[tuple[str, Person]]:
    """A person of each role: those of a retailer at the market, those of a store at its first store."""
    for name, role in ROLES.items():
        retailer_id = None if role.reach == "everywhere" else market.retailer.id
        yield name, Person(market.server, name, retailer_id, 1 if role.reach == "store" else None)


def may(role: str, example: Example) -> bool:
    return example.operation is None or example.operation in ROLES[role].operations


def told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.headers.get('location', '')}".strip()


def is_done(answer: httpx.Response) -> bool:
    """Whether a person was let in: the page, a redirect to another page, or a form that says what is wrong."""
    if answer.status_code == 303:
        return not answer.headers["location"].startswith("/console/sign-in")
    return answer.status_code in (200, 400, 409, 422)


@pytest.fixture
def console(server: LiveServer) -> Console:
    console = Console(Market(server))
    console.make_all()
    return console


def calls(console: Console, browser: Browser, routes: Any, **options: Any) -> dict[str, httpx.Response]:
    return {key(route.method, route.path): console.call(browser, route, **options) for route in routes}


def test_role_calls_each_route_then_allowed_exactly_where_the_table_says(console: Console) -> None:
    wrong = []
    for role, person in people(console.market):
        forbidden = [route for route in ROUTES_OF_PEOPLE if not may(role, example_of(route))]
        with nothing_written(console.server):
            answers = calls(console, person, forbidden)
        wrong += [f"{role}: {name}: {told(one)}" for name, one in answers.items() if one.status_code not in REFUSED]
    for role, person in people(console.market):
        for route in ROUTES_OF_PEOPLE:
            if may(role, example_of(route)) and route.path != "/console/sign-out":
                answer = console.call(person, route)
                console.make_again(route)
                if not is_done(answer):
                    wrong.append(f"{role}: {key(route.method, route.path)}: {told(answer)}")
    assert not wrong, "\n".join(wrong)


def test_person_of_another_retailer_then_no_page_form_or_name_of_this_one(console: Console) -> None:
    other = Market(console.server)
    stranger = Person(console.server, "retailer_manager", other.retailer.id)
    allowed = [route for route in ROUTES_OF_PEOPLE if may("retailer_manager", example_of(route))]
    of_one = [route for route in allowed if example_of(route).subject not in SHARED]
    with nothing_written(console.server):
        answers = calls(console, stranger, of_one)
        lists = calls(console, stranger, [one for one in allowed if one not in of_one and one.method == "GET"])
    wrong = {
        name: told(one)
        for name, one in answers.items()
        if one.status_code not in REFUSED and not name.startswith("POST /console/me/")
    }
    assert not wrong
    assert not [name for name, one in lists.items() if console.market.slug in one.text]


def test_list_is_asked_for_another_retailer_then_nothing_of_it(console: Console) -> None:
    other = Market(console.server)
    stranger = Person(console.server, "retailer_manager", other.retailer.id)
    order_id = console.market.order()["id"]
    with nothing_written(console.server):
        for route in ROUTES_OF_PEOPLE:
            if route.method == "GET" and "{" not in route.path:
                answer = stranger.open(route.path, retailer=console.market.slug)
                assert answer.status_code in (200, *REFUSED, 303, 400), route.path
                assert order_id not in answer.text, route.path
                assert f"{console.market.slug}/" not in answer.text, route.path


def test_person_of_another_store_then_no_page_and_no_form_of_this_one(console: Console) -> None:
    stranger = Person(console.server, "store_associate", console.market.retailer.id, 2)
    routes = [
        route
        for route in ROUTES_OF_PEOPLE
        if example_of(route).subject in OF_STORE and may("store_associate", example_of(route))
    ]
    with nothing_written(console.server):
        answers = calls(console, stranger, routes)
    assert answers
    assert not {name: told(one) for name, one in answers.items() if one.status_code not in REFUSED}


@pytest.mark.parametrize("token", [(), ("another", "subject")], ids=["without", "of another subject"])
def test_form_without_its_own_token_then_refused_and_nothing(console: Console, token: tuple[str, ...]) -> None:
    admin = Person(console.server)
    with nothing_written(console.server):
        answers = calls(console, admin, POSTS, token=token)
    assert not {name: told(one) for name, one in answers.items() if one.status_code != 403}


def test_form_is_posted_twice_then_no_error_of_the_server(console: Console) -> None:
    admin = Person(console.server)
    for route in POSTS:
        if route.path != "/console/sign-out":
            first, second = console.call(admin, route), console.call(admin, route)
            assert max(first.status_code, second.status_code) < 500, route.path


def test_nobody_is_signed_in_then_each_route_leads_to_the_sign_in(console: Console) -> None:
    nobody = Browser(console.server)
    with nothing_written(console.server):
        answers = calls(console, nobody, [route for route in ROUTES_OF_PEOPLE if route.path != "/console/sign-out"])
    wrong = {
        name: told(one)
        for name, one in answers.items()
        if not (one.status_code == 303 and one.headers["location"].startswith("/console/sign-in"))
    }
    assert not wrong
