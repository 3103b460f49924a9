"""
Write the documents that are generated from code: `make docs`. With --check, name stale ones and exit with status 1.

docs/openapi.json is a copy of the served description, so that a change of the wire is seen in review;
docs/operations/settings.md lists the settings of `handcart.core.settings`; docs/operations/people.md has the table of
roles; docs/order-states.md shows the states of orders and batches; docs/callbacks-events.md lists the events;
docs/acts.md has the verbs of shoppers and the rules that refuse them.
"""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from handcart import app
from handcart.core.settings import PREFIX, Settings
from handcart.core.web import wire
from tools import acts, callback_events, order_states, people

DOCS = Path(__file__).resolve().parents[1] / "docs"
EXAMPLE_URL = "https://connect.example.org"

SETTINGS = """\
# Settings

Environment variables, read once at start. An unknown variable that starts with `{prefix}` prevents the start. Command
line options override them. `handcart check` prints unsafe settings.

`make docs` generates this page from `handcart/core/settings.py`.

| variable | default | meaning |
|---|---|---|
{rows}
"""


def openapi() -> str:
    document = json.loads(wire.encode(app.description(Settings(public_url=EXAMPLE_URL, environment="sandbox"))))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def settings() -> str:
    rows = [
        f"| `{PREFIX}{setting.name.upper()}` | {default(setting.default)} | {setting.metadata['about']} |"
        for setting in fields(Settings)
    ]
    return SETTINGS.format(prefix=PREFIX, rows="\n".join(rows))


def default(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value}`" if value != "" else ""


GENERATED = {
    DOCS / "openapi.json": openapi,
    DOCS / "operations" / "settings.md": settings,
    DOCS / "operations" / "people.md": people.page,
    DOCS / "order-states.md": order_states.page,
    DOCS / "callbacks-events.md": callback_events.page,
    DOCS / "acts.md": acts.page,
}


def main(*options: str) -> int:
    """Write the stale documents, or with --check only name them."""
    stale = {}
    for file, generate in GENERATED.items():
        text = generate()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale[file] = text
    for file, text in stale.items():
        if "--check" not in options:
            file.write_text(text, encoding="utf-8")
        print(file.relative_to(DOCS.parent))
    return 1 if stale and "--check" in options else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
