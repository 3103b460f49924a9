"""Fields of forms with values that no page sends: each form of the console and of the store's app refuses them.

`LONG_RUNS=1` posts every value in every field; else each field has one of the values, and all of them in turn.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from types import ModuleType
from urllib.parse import quote

import httpx
import pytest

import handcart.console.routes as console_routes
import handcart.store_app.routes as store_routes
from handcart.core.web.call import Route
from tests.console.test_matrix import POSTS, Console, example_of, form_token
from tests.support.console import Browser, Form, Person, forms
from tests.support.console_routes import ROUTES_OF_PEOPLE
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.tablets import Counter

IS_LONG = os.environ.get("LONG_RUNS") == "1"
VALUES = (
    *(
        "",
        "x" * 10_000,
        "a\0b",
        "-1",
        "1e309",
        "٣",
        "NaN",
        "0000-01-01",
        "9999-12-31",
        "0001-01-01",
        "9999-12-31T23:59",
    ),
    *(
        "0001-01-01T00:00",
        "24:00",
        "9" * 19,
        "9" * 400,
        "\ud800",
        "[[[[",
        '{"a":',
        "117440512000001",
        "../..",
        "²",
        "=1",
    ),
)
IN_PATHS = ("0", "-1", "a\0b", "٣", "9" * 19, "9" * 400, "x" * 3000, "\udcff", "0000-00", "9999-12", "0001-01")
# Fields that the tests need to stay as they are.
_KEPT = ("form_token", "step_up_password")
# These forms change where the market sells.
_LAST = ("/console/stores", "/console/slots", "/console/retailers", "/console/catalog")
_ASKED = re.compile(r"""(?:form|given|values|typed)(?:\.get\(|\[)["'](\w+)["']""")


def _modules(package: ModuleType) -> Mapping[str, str]:
    """The source of the module that has each route, by the route's path."""
    found: dict[str, str] = {}
    for module in vars(package).values():
        if isinstance(module, ModuleType) and hasattr(module, "ROUTES") and module.__file__:
            with open(module.__file__) as file:
                text = file.read()
            found |= {route.path: text for route in module.ROUTES}
    return found


SOURCES = {**_modules(console_routes), **_modules(store_routes)}


def names_of(route: Route, form: Mapping[str, str]) -> list[str]:
    """The fields of the form of a route: those of its page, and those that its module asks for."""
    names = dict.fromkeys([*form, *(_ASKED.findall(SOURCES.get(route.path, "")) if IS_LONG else ())])
    return [name for name in names if name not in _KEPT]


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def body(fields: Sequence[tuple[str, str]]) -> bytes:
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in fields).encode()


def post(browser: Browser, path: str, fields: Sequence[tuple[str, str]]) -> httpx.Response:
    kind = {"content-type": "application/x-www-form-urlencoded", "origin": browser.server.url}
    return browser.http.post(path, content=body(fields), headers=kind)


def form_on(pages: Sequence[httpx.Response], action: str) -> Form | None:
    found = (form for page in pages for form in forms(page.text).found if form.action.partition("?")[0] == action)
    return next(found, None)


class Forms:
    """The forms of the console at one market, as their pages have them."""

    def __init__(self, market: Market) -> None:
        self.console, self.person = Console(market), Person(market.server)
        self.console.make_all()
        self._on: dict[str, Route | None] = {}

    def form(self, route: Route) -> tuple[str, Form]:
        """The path of a route, and its form with the values of its page; else those of its example."""
        example = example_of(route)
        values = self.console._values(example)
        path = route.path.format_map(values)
        form = None
        if route.path not in self._on:
            self._on[route.path] = next((page for page in self._pages(route) if self._form(page, path)), None)
        if (page := self._on[route.path]) is not None:
            form = self._form(page, path)
        form = form or Form()
        subject = [part.format_map(values) for part in example.token]
        form |= {name: text.format_map(values) for name, text in example.fields.items()}
        form["form_token"] = form_token(self.person, *subject)
        return path, form

    def _pages(self, route: Route) -> Iterator[Route]:
        subject = example_of(route).subject
        for one in ROUTES_OF_PEOPLE:
            parent = one.path.rpartition("/")[0]
            is_page = one.method == "GET" and not one.path.endswith(".csv") and example_of(one).subject in ("", subject)
            if is_page and parent and route.path.startswith(parent):
                yield one

    def _form(self, page: Route, path: str) -> Form | None:
        return form_on([self.console.call(self.person, page)], path)


def failed(answer: httpx.Response) -> bool:
    return answer.status_code >= 500


def test_field_of_a_console_form_is_nasty_then_refused_or_saved(server: LiveServer) -> None:
    all_forms, wrong, values = Forms(Market(server, capacity=10_000)), [], cycle(VALUES)
    for route in sorted(POSTS, key=lambda one: one.path.startswith(_LAST)):
        if route.path == "/console/sign-out":
            continue
        path, form = all_forms.form(route)
        for name in names_of(route, form):
            for value in VALUES if IS_LONG else [next(values)]:
                if IS_LONG:
                    path, form = all_forms.form(route)
                answer = post(all_forms.person, path, list({**form, name: value}.items()))
                if failed(answer):
                    wrong.append(f"{route.path} {name}={value[:30]!r}: {answer.status_code}")
                if IS_LONG:
                    all_forms.console.make_again(route)
        for value in VALUES if IS_LONG else [next(values)]:
            nasty = {name: value for name in names_of(route, form) if name not in ("seen", "version")}
            if failed(post(all_forms.person, path, list({**form, **nasty}.items()))):
                wrong.append(f"{route.path} all={value[:30]!r}")
        for name in [*form] if IS_LONG else [*form][:1]:
            if failed(post(all_forms.person, path, [*form.items(), (name, "other")])):
                wrong.append(f"{route.path} {name} twice")
    assert not wrong, "\n".join(wrong)


def test_part_of_a_path_is_nasty_then_no_error_of_the_server(server: LiveServer) -> None:
    console, wrong, values = Console(Market(server)), [], cycle(IN_PATHS)
    console.make_all()
    person = Person(server)
    for route in ROUTES_OF_PEOPLE:
        of_route = console._values(example_of(route))
        for name in re.findall(r"\{(\w+)\}", route.path):
            for value in IN_PATHS if IS_LONG else [next(values)]:
                given = {**of_route, name: value}
                path = route.path.format_map({name: encoded(text) for name, text in given.items()})
                subject = [part.format_map(given) for part in example_of(route).token]
                token = "" if "\udcff" in "".join(subject) else form_token(person, *subject)
                answer = person.http.get(path) if route.method == "GET" else post(person, path, [("form_token", token)])
                if failed(answer):
                    wrong.append(f"{route.method} {route.path} {name}={value[:30]!r}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_redirect_leads_to_an_address_with_other_digits_then_it_is_encoded(server: LiveServer) -> None:
    person = Person(server)
    for path, subject in (("passkeys/remove", "remove-passkey"), ("sessions/1/end", "end-session")):
        token = [("form_token", form_token(person, subject, "٣"))]
        answer = post(person, f"/console/people/{encoded('٣')}/{path}", token)
        assert (answer.status_code, encoded("٣") in answer.headers["location"]) == (303, True)


@pytest.fixture
def counter(server: LiveServer) -> Iterator[Counter]:
    with server.clients():
        yield Counter(Market(server))


def test_field_of_a_store_app_form_is_nasty_then_refused_or_saved(counter: Counter) -> None:
    wrong, values = [], cycle(VALUES)
    order_id = counter.market.order("dispatch")["id"]
    for route in store_routes.ROUTES:
        if route.method != "POST" or "{token}" in route.path or route.path.endswith("/lock"):
            continue
        path = route.path.format(order_id=order_id, id=counter.person.id, step="going")
        for name in names_of(route, {"seen": ""}):
            for value in VALUES if IS_LONG else [next(values)]:
                form = form_on([counter.open(path.removesuffix("/going"))], path) or Form()
                answer = post(counter, path, list({**form, name: value}.items()))
                if failed(answer):
                    wrong.append(f"{route.path} {name}={value[:30]!r}: {answer.status_code}")
                if answer.status_code == 303 and "stage" in path:
                    order_id = counter.market.order("dispatch")["id"]
                    path = route.path.format(order_id=order_id, id=counter.person.id, step="going")
    assert not wrong, "\n".join(wrong)
