"""`handcart message texts`: own texts in place of the standard ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.retailers import make_retailer
from tests.support.server import LiveServer, on_sqlite

TEXTS = ("message", "texts")


@on_sqlite
def test_text_is_changed_and_reset_then_each_command_shows_it(server: LiveServer, run: Any, tmp_path: Path) -> None:
    slug = make_retailer(server).slug
    of = ("--retailer", slug)
    shown = run(*TEXTS, "show", "delivered", *of).output
    assert "{retailer}: your order was delivered. Thank you! {link}" in shown
    assert "the standard text. Placeholders: {link}, {retailer}" in shown
    made = run(*TEXTS, "set", "delivered", *of, "Done, {retailer}. {link}").output
    assert made.startswith("Done, Corner Market. https://connect.example.org/o/")
    assert "83 characters, 1 SMS part" in made
    assert "delivered" in run(*TEXTS, "list", *of).output
    listed = {one["template"]: one["own"] for one in json.loads(run(*TEXTS, "list", *of, "--json").output)["texts"]}
    assert (listed["delivered"], listed["canceled"]) == (["en-US sms"], [])
    assert "an own text, changed at " in run(*TEXTS, "show", "delivered", *of).output
    assert run(*TEXTS, "preview", "delivered", *of).output == made
    file = tmp_path / "mail.txt"
    file.write_text("It came\n\nHello {retailer}")
    mail = ("delivered", "--channel", "mail", "--locale", "fr-CA", *of)
    assert run(*TEXTS, "set", *mail, "--file", str(file)).output.startswith("It came\n\nHello Corner Market\n")
    assert "It came\n\nHello {retailer}\n" in run(*TEXTS, "show", *mail).output
    assert run(*TEXTS, "reset", "delivered", *of).output == "Messages have the standard text again.\n"
    assert run(*TEXTS, "reset", "delivered", *of).output == "They have the standard text already.\n"
    (row,) = server.sql(
        "SELECT detail FROM audit_log WHERE operation LIKE '%texts set' AND subject = $1 ORDER BY id LIMIT 1",
        f"retailer/{slug}",
    )
    assert "delivered" in row["detail"]
    assert "Done" not in row["detail"]


@on_sqlite
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("set", "delivered", "{shopper}"), "the text has the placeholder {shopper}"),
        (("set", "delivered", ""), "the text is empty"),
        (("set", "delivered"), "give the text, or --file"),
        (("set", "nothing", "x"), "there is no text 'nothing'"),
        (("show", "nothing"), "there is no text 'nothing'"),
        (("preview", "nothing"), "there is no text 'nothing'"),
        (("preview", "delivered", "{retailer.x}"), "the braces of the text do not fit together"),
        (("set", "delivered", "x", "--locale", "de-DE"), "Invalid value for '--locale'"),
        (("set", "delivered", "x", "--retailer", "nobody"), "nobody"),
    ],
)
def test_arguments_are_wrong_then_the_command_says_why(
    server: LiveServer, run: Any, arguments: tuple[str, ...], why: str
) -> None:
    result = run(*TEXTS, *arguments)
    assert result.exit_code != 0
    assert why in f"{result.output} {result.exception}"
