"""Generate handcart_client/_sync from handcart_client/_async. With --check, only say whether it is up to date."""

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "handcart_client"
NOTICE = "# Generated from ../_async by generate_sync.py: change it there.\n"
WORDS = [
    (
        r"from asyncio import Lock, sleep\nfrom collections.abc import Callable",
        "from collections.abc import Callable\nfrom threading import Lock\nfrom time import sleep",
    ),
    (r'"""The async client\..*', '"""The sync client."""'),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\baclose\b", "close"),
    (r"\bAsync(?=[A-Z])", ""),
]


def to_sync(source: str) -> str:
    for pattern, replacement in WORDS:
        source = re.sub(pattern, replacement, source)
    return NOTICE + source


def main() -> int:
    wanted = {path.name: to_sync(path.read_text()) for path in sorted((PACKAGE / "_async").glob("*.py"))}
    present = {path.name: path.read_text() for path in (PACKAGE / "_sync").glob("*.py")}
    if wanted == present:
        return 0
    if "--check" in sys.argv[1:]:
        print("handcart_client/_sync is not what _async makes: run client/generate_sync.py", file=sys.stderr)
        return 1
    for name in present.keys() - wanted.keys():
        (PACKAGE / "_sync" / name).unlink()
    for name, text in wanted.items():
        (PACKAGE / "_sync" / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
