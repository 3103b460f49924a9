"""The domains do not mention the sandbox: what production runs must not depend on it."""

import re
from pathlib import Path

HANDCART = Path(__file__).resolve().parents[2] / "handcart"
# The sandbox; the modules that compose servers, and clients of it; those that know the setting `environment`.
MENTIONED_IN = (
    *("sandbox/", "cli/", "demo/", "description/", "testing/", "migrations/", "app.py", "serve.py", "worker.py"),
    *("core/settings.py", "core/db/installation.py", "upkeep/safety.py"),
)
# Not in addresses of Connect's documentation, which every module may name, and not in headers of HTTP.
_WORD = re.compile(r"(?<!/)(?<!; )sandbox(?!/)|\b(robot(?!s-tag)|rehears)", re.IGNORECASE)


def test_modules_of_the_domains_then_no_mention_of_the_sandbox() -> None:
    names = {path.relative_to(HANDCART).as_posix(): path for path in HANDCART.rglob("*.py")}
    domains = {name: path.read_text() for name, path in names.items() if not name.startswith(MENTIONED_IN)}
    assert len(domains) > 100
    assert [name for name, source in domains.items() if _WORD.search(source)] == []
