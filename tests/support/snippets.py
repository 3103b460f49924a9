"""The fenced code blocks of the documents, in reading order.

`sh` and `python` blocks are run by the suite, unless a comment before them says `<!-- not run: REASON -->`. A comment
`<!-- another terminal -->` says that the block goes on beside those after it. A `json` or `text` block right after a
block that is run shows what it prints.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.process import ROOT

# In the order in which a new user may read them; then all others.
_FIRST = (
    "README.md",
    "docs/guide/link-an-account.md",
    "docs/guide/take-an-order.md",
    "docs/guide/post-checkout.md",
    "docs/sandbox.md",
    "docs/callbacks.md",
    "docs/callbacks-receiving.md",
    "client/README.md",
    "storefront/README.md",
    "docs/ci.md",
)
PAGES: Sequence[Path] = tuple(
    dict.fromkeys([*(ROOT / name for name in _FIRST), *sorted((ROOT / "docs").rglob("*.md"))])
)
ANOTHER_TERMINAL = "another terminal"
_MARK = re.compile(r"\s*<!-- (not run|another terminal)(?:: (.+))? -->")
_FENCE = re.compile(r"(\s*)```(\w*)\s*")


@dataclass
class Snippet:
    """A fenced block. `mark`: the reason why it is not run, or `ANOTHER_TERMINAL`, or empty.

    `expected`: language and text of the block that shows what it prints.
    """

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    expected: tuple[str, str] | None = None

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_test(self) -> bool:
        """Whether it is a file of tests for pytest; `tests/testing/test_plugin.py` runs those."""
        return self.language == "python" and "def test_" in self.text

    @property
    def is_run(self) -> bool:
        """Whether it is run as a part of its page."""
        return self.language in ("sh", "python") and not self.is_test and self.mark in ("", ANOTHER_TERMINAL)


def snippets(page: Path) -> list[Snippet]:
    """The fenced blocks of a page. Raises AssertionError for a mark that belongs to none."""
    found: list[Snippet] = []
    mark, begun, is_next = "", None, False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if begun is not None:
            if line.strip() == "```":
                begun.text = textwrap.dedent(begun.text)
                shows = is_next and begun.language in ("json", "text") and found[-1].is_run
                if shows and not found[-1].expected:
                    found[-1].expected = (begun.language, begun.text)
                else:
                    found.append(begun)
                    is_next = begun.is_run
                begun = None
            else:
                begun.text += f"{line}\n"
        elif fence := _FENCE.fullmatch(line):
            begun, mark = Snippet(page, number, fence[2], "", mark), ""
        elif marked := _MARK.fullmatch(line):
            mark, is_next = marked[2] or marked[1], False
        elif line.strip():
            assert not mark, f"{page.relative_to(ROOT)}:{number}: no block follows the comment before it"
            is_next = False
    return found


def commands(page: Path) -> list[str]:
    """The `handcart` command lines in a page's snippets and text."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^ *(?:docker exec \w+ )?(handcart [a-z].*)$", text, re.MULTILINE)
    lines += re.findall(r"[`(](?:\.venv/bin/)?(handcart [a-z][^`|)]*)", text)
    return [" ".join(re.sub(r"\s#.*|[<>|&;].*", "", line).split()) for line in lines]


def indented(page: Path) -> list[str]:
    """The lines of a page with indented code, which has no language."""
    found, is_fenced, is_list, before = [], False, False, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced and line.strip():
            if not line.startswith(" "):
                is_list = bool(re.match(r"[-*] |\d+\. ", line))
            elif line.startswith(" " * (7 if is_list else 4)) and not before.strip():
                found.append(f"{page.relative_to(ROOT)}:{number}")
        before = line
    return found
