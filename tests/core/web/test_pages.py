"""The pages as a browser reads them: every page, in every locale, with ordinary and with hostile names."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import product
from typing import Annotated, Any, Literal

import jinja2
import msgspec
import pytest

from handcart.core.web import pages, reference

VOID = {"br", "img", "input", "link", "meta"}
HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "attribute": '" onfocus="alert(1)" autofocus=\'',
    "right to left": "Sample\u202e\u2066 Grocer\u200f",
    "controls": "Sample\x00\r\nGrocer\x1b[2J\u2028",
    "10 kB": "W" * 10_000,
    "braces": "{brand.__class__} {{ brand }} %s",
    "nothing": "",
}
NAMES = {"ordinary": "Sample Grocer", **HOSTILE}


# Every page with every state it can show: name, template, context for one retailer name and email.


def links(locale: str) -> list[tuple[str, str, str, bool]]:
    return [(tag, label, f"?ui_locales={tag}", tag == locale) for tag, label in pages.LOCALES.items()]


def cases(name: str) -> list[tuple[str, dict[str, Any]]]:
    form: dict[str, Any] = {
        "action": "/action",
        "form_token": "form-token",
        "email": name,
        "retailer": name,
        "account_url": "/account",
    }
    link: dict[str, Any] = {"retailer": name, "linked_on": "July 9, 2025", "unlink_url": "/account/links/1/unlink"}
    account = form | {
        "sign_out_action": "/sign-out",
        "password_url": "/password",
        "notice": None,
        "links": [link, link],
    }
    sign_in_states: list[dict[str, Any]] = [
        {"error": None, "wait_minutes": 0, "wait_hours": 0},
        {"error": "credentials", "wait_minutes": 0, "wait_hours": 0},
        {"error": "rate_limited", "wait_minutes": 1, "wait_hours": 0},
        {"error": "rate_limited", "wait_minutes": 1440, "wait_hours": 24},
    ]
    return [
        *(("oauth/sign_in.html", form | state) for state in sign_in_states),
        *(("accounts/sign_in.html", form | state) for state in sign_in_states),
        *(
            ("oauth/consent.html", form | {"lifetime_hours": hours, "already_linked": linked})
            for hours, linked in ((1, False), (24, True))
        ),
        ("linking/account.html", account | {"membership_active": True, "membership_ends": "July 9, 2025"}),
        ("linking/account.html", account | {"membership_active": True, "membership_ends": None, "notice": "unlinked"}),
        ("linking/account.html", account | {"membership_active": False, "membership_ends": "July 9, 2025"}),
        (
            "linking/account.html",
            account | {"membership_active": False, "membership_ends": None, "notice": "password_changed", "links": []},
        ),
        ("linking/unlink.html", form),
        *(
            ("accounts/password.html", form | {"error": error})
            for error in (None, "current", "too_short", "too_long", "common", "same")
        ),
        *(
            ("accounts/new_password.html", form | {"error": error})
            for error in (None, "too_short", "too_long", "common")
        ),
        *(
            ("shopper_app/join.html", form | {"name": name, "error": error})
            for error in (None, "different", "form", "easy")
        ),
        *(("shopper_app/join_over.html", {"state": state}) for state in ("used", "expired", "unknown")),
        *(
            (
                "core/error.html",
                {
                    "status": 400,
                    "title_key": f"error.{error}.title",
                    "message_key": f"error.{error}.message",
                    "params": {},
                    "request_id": name or None,
                },
            )
            for error in ERRORS
        ),
        ("core/reference.html", {"spec": SPEC, "groups": {"Orders": OPERATIONS}, "query": ""}),
        ("core/operation.html", {"spec": SPEC, "entry": OPERATIONS[0], "beside": OPERATIONS}),
    ]


ERRORS = sorted({key.split(".")[1] for key in pages.texts("en") if key.startswith("error.") and key.count(".") == 2})


class Flags(msgspec.Struct):
    long_distance_delivery: bool | None = None


class Address(msgspec.Struct):
    postal_code: Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$", description="Five digits, `as printed`.")]
    address_type: Literal["residential", "commercial"] | None = None
    flags: Flags | None = None


class Item(msgspec.Struct):
    line_num: Annotated[int, msgspec.Meta(ge=1)]
    replacement: "Item | None" = None
    places: dict[str, Address] = {}


class Order(msgspec.Struct):
    items: list[Item]
    note: str | int | None = None
    extra: Any = None


def specification() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components([Order], ref_template="#/components/schemas/{name}")
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}, "example": {"note": "</script>"}}}
    responses = {
        "200": {"description": "Order taken", "content": content},
        "404": {"$ref": "#/components/responses/NotFound"},
    }
    order: dict[str, Any] = {
        "operationId": "create_order",
        "tags": ["Last mile"],
        "summary": "Create an order",
        "description": "Takes `items`.\n\nAnswers <b>200</b>.",
        "externalDocs": {"url": "https://docs.example.com/create_order"},
        "requestBody": {"content": content | {"application/x-www-form-urlencoded": content["application/json"]}},
        "responses": responses,
    }
    token = {"tags": ["Tokens"], "security": [], "deprecated": True, "responses": {"204": {"description": "Done"}}}
    parameter = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 255}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Handcart Connect API", "version": "1"},
        "security": [{"bearer": ["connect:fulfillment"]}],
        "paths": {
            "/v2/orders/{order_id}": {"parameters": [{"$ref": "#/components/parameters/order_id"}], "post": order},
            "/v2/oauth/token": {"post": token},
        },
        "components": {
            "schemas": schemas,
            "parameters": {"order_id": parameter},
            "responses": {"NotFound": {"description": "No such order"}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


SPEC = specification()
OPERATIONS = reference.entries(SPEC)


# What a browser makes of a page.


class Page(HTMLParser):
    """Elements with their attributes and text; fails on an element that is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {}
        self.path: list[str] = []
        self.feed(html)
        self.close()
        assert not self.path, f"not closed: {self.path}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"attribute given twice: {tag} {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.path.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.path):
            self.text[tag] = self.text.get(tag, "") + data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def render(template: str, locale: str, context: dict[str, Any], brand: str = "Handcart") -> str:
    shown = {"self_service": True, **context}
    return pages.render(template, locale, brand=brand, membership="Handcart+", locale_links=links(locale), **shown)


@pytest.fixture(scope="module", params=product(pages.LOCALES, NAMES), ids=lambda pair: f"{pair[0]} {pair[1]}")
def rendered(request: pytest.FixtureRequest) -> list[tuple[str, str, Page]]:
    locale, name = request.param
    html = [(locale, render(template, locale, context)) for template, context in cases(NAMES[name])]
    return [(locale, source, Page(source)) for locale, source in html]


def test_any_page_then_it_has_language_title_and_one_heading(rendered: list[tuple[str, str, Page]]) -> None:
    for locale, source, page in rendered:
        assert page.all("html")[0]["lang"] == (
            "en-US" if page.all("body")[0]["class"].endswith("reference") else locale
        )
        assert len(page.all("h1")) == 1
        assert page.text["h1"].strip()
        assert re.fullmatch(r"[^<>]+ · Handcart", re.findall("<title>(.*)</title>", source)[0])
        assert "{" not in page.text["title"] + page.text["h1"].replace(NAMES["braces"], "")


def test_any_page_then_free_of_inline_code_and_foreign_urls(rendered: list[tuple[str, str, Page]]) -> None:
    for _, source, page in rendered:
        assert [set(script) for script in page.all("script")] == [{"src", "defer"}]
        assert not page.all("style")
        assert not page.all("base")
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
            for url in (attributes[name] for name in ("href", "src", "action") if name in attributes):
                assert re.match(r"[?#]|/[^/\\]", url), url
        assert "alert(1)" not in re.sub(r"&lt;script&gt;alert|onfocus=&#34;alert", "", source)


def test_any_control_then_it_has_a_label_and_every_reference_a_target(rendered: list[tuple[str, str, Page]]) -> None:
    for _, _, page in rendered:
        ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
        assert set(ids.values()) <= {1}
        labels = {label["for"] for label in page.all("label")}
        shown = [control for control in page.all("input") if control["type"] != "hidden"]
        assert {control["id"] for control in shown} == labels
        assert all(control["autocomplete"] for control in shown)
        for _, attributes in page.elements:
            for name in ("aria-describedby", "aria-labelledby"):
                assert set(attributes.get(name, "").split()) <= set(ids)
            if attributes.get("href", "").startswith("#"):
                assert attributes["href"][1:] in ids
        for image in page.all("img"):
            assert "alt" in image


def test_any_form_then_it_posts_its_token(rendered: list[tuple[str, str, Page]]) -> None:
    for _, _, page in rendered:
        forms = [form for form in page.all("form") if form.get("role") != "search"]
        tokens = [control for control in page.all("input") if control["name"] == "form_token"]
        assert all(form["method"] == "post" for form in forms)
        assert [token["value"] for token in tokens] == ["form-token"] * len(forms)
        assert len(page.all("button")) >= len(forms)


def test_error_shown_then_it_is_announced_and_described(rendered: list[tuple[str, str, Page]]) -> None:
    announced = 0
    for _, _, page in rendered:
        if alerts := [attributes for _, attributes in page.elements if attributes.get("role") == "alert"]:
            announced += 1
            described = [field for field in page.all("input") if "error" in field.get("aria-describedby", "").split()]
            assert [alert["id"] for alert in alerts] == ["error"]
            assert sum("autofocus" in field for field in described) == 1
    assert announced == 3 + 3 + 3 + 5 + 3


def test_hostile_name_then_it_stays_inside_its_element(rendered: list[tuple[str, str, Page]]) -> None:
    for _, _, page in rendered:
        typed_again = {control.get("value") for control in page.all("input")}
        values = {value for _, attributes in page.elements for value in attributes.values()} - typed_again
        for shown in (*page.text.values(), *values):
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\x00\x1b]", shown)
        assert "W" * 61 not in page.text["body"]


def test_brand_with_markup_then_escaped() -> None:
    for locale, (template, context) in product(pages.LOCALES, cases("Sample Grocer")):
        page = Page(render(template, locale, context, brand="<i>&</i>"))
        assert not page.all("i")
        assert "<i>&</i>" in page.text["p"]


def test_consent_then_it_names_client_data_lifetime_and_answers() -> None:
    context = {"retailer": "Sample Grocer", "email": "member@example.com", "action": "/action", "form_token": "t"}
    html = render(
        "oauth/consent.html",
        "en-US",
        {**context, "lifetime_hours": 24, "already_linked": False, "account_url": "/account"},
    )
    page = Page(html)
    assert page.text["h1"] == "Authorization Required"
    assert "Authorize Sample Grocer to use your Handcart account?" in page.text["body"]
    assert "member@example.com" in page.text["bdi"]
    assert "lasts 24 hours" in page.text["body"]
    assert [(button["name"], button["value"]) for button in page.all("button")] == [
        ("decision", "allow"),
        ("decision", "deny"),
        ("decision", "switch"),
    ]
    assert "/account" in [anchor["href"] for anchor in page.all("a")]


def test_locale_links_then_the_current_one_is_marked() -> None:
    page = Page(render("linking/unlink.html", "fr-CA", dict(cases("Sample Grocer"))["linking/unlink.html"]))
    marked = [anchor["lang"] for anchor in page.all("a") if "aria-current" in anchor]
    assert marked == ["fr-CA"]


def test_context_without_a_variable_then_refused() -> None:
    with pytest.raises(jinja2.UndefinedError):
        pages.render("linking/unlink.html", "en-US", brand="Handcart", membership="Handcart+", retailer="Sample Grocer")


def test_any_error_then_it_has_title_and_message() -> None:
    assert all(f"error.{error}.{part}" in pages.texts("en") for error in ERRORS for part in ("title", "message"))
    assert {"invalid_request", "unknown_client", "redirect_uri_mismatch", "form_expired", "not_found"} <= set(ERRORS)


# The API reference


def shown(spec: dict[str, Any], query: str = "") -> list[Page]:
    """The overview of a document, and the page of each of its operations."""
    found = reference.entries(spec)
    names = {"brand": "Handcart", "membership": "Handcart+"}
    operations = [reference.operation(spec, found, entry, **names) for entry in found]
    return [Page(html) for html in (reference.overview(spec, found, query, **names), *operations)]


def test_reference_then_it_shows_operations_fields_and_answers() -> None:
    overview, *operations = shown(SPEC)
    links = {anchor["href"] for anchor in overview.all("a")}
    assert {"/reference/create_order", "/reference/post-v2-oauth-token"} <= links
    assert {"tag-last-mile", "authentication"} <= {attributes.get("id") for _, attributes in overview.elements}
    body = " ".join(" ".join(page.text["body"] for page in operations).split())
    for part in (
        "POST /v2/orders/{order_id}",
        "order_id in path, string required max. length 255",
        "items array of Item required",
        "line_num integer required at least 1",
        "replacement Item or null",
        "places map of Address",
        "postal_code string required Five digits, as printed. pattern ^[0-9]{5}$",
        "address_type string or null one of commercial, residential",
        "long_distance_delivery boolean or null",
        "note string or integer or null",
        "extra any value",
        "application/x-www-form-urlencoded the same fields",
        "See also: https://docs.example.com/create_order",
        "Answers <b>200</b>.",
        '"note": "</script>"',
        "404 No such order",
        "Authentication: bearer connect:fulfillment",
        "Authentication: none",
        "deprecated",
        "204 Done No body.",
        "curl -X POST",
    ):
        assert part in body, part


def test_reference_searched_then_found_by_any_words_of_an_operation() -> None:
    found = reference.entries(SPEC)
    for query in ("create order", "ORDER create", "line_num", "No such order"):
        assert "create_order" in [entry.id for entry in reference.search(found, query)], query
    assert [entry.id for entry in reference.search(found, "order")] == ["create_order"]
    assert reference.search(found, "create nothing-of-that-name") == []
    page = shown(SPEC, '"><script>')[0]
    body = " ".join(page.text["body"].split())
    assert "0 operations" in body
    assert "Try an error message or its code, a field, or a part of a path" in body


def test_reference_of_an_empty_document_then_a_page() -> None:
    assert shown({"openapi": "3.1.0", "info": {"title": "Nothing", "version": "0"}})[0].text["h1"] == "Nothing"
