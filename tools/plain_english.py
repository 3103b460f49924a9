"""
Find phrases that readers stumble over: `python tools/plain_english.py [FILE ...]`.

Reads the comments and strings of Python files, and all text of Markdown, templates and other files. Skips code between
backticks. Prints one line for each finding, and exits with 1 if there is any. CONTRIBUTING.md, "Plain English", has the
rules behind the list.
"""

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READ = {".py", ".md", ".html", ".toml", ".js", ".css", ".yml"}
# Generated pages (their source is checked), lock files, programs of other projects, and this check's own files.
LEFT_OUT = (
    "docs/callbacks-events.md",
    "docs/operations/settings.md",
    "docs/order-states.md",
    "docs/performance",
    "handcart/shopper_app/vendor/",
    "requirements/",
    "bench/peers/",
    "tests/interop/node/",
    "tests/architecture/test_plain_english.py",
    "tools/plain_english.py",
)
# The table of examples in CONTRIBUTING.md.
EXAMPLES = re.compile(r"^## Plain English$.*?(?=^## )", re.MULTILINE | re.DOTALL)

#: Pattern of a phrase, and what to write instead. A space stands for any white space, also the end of a line.
PHRASES = {
    r"\bso many\b(?! that)": "name the number",
    r"\bno more (for|from|than is)\b": "no longer; or the limit in words",
    r"\b(asked|wanted|needed|needs?|wants?) (it |them )?no more\b": "no longer",
    r"\b(is|are) apart\b|\bapart by\b": "differ; separated by",
    r"\bholds? (it|them|us|to) to\b": "check that",
    r"(?:^|[.:;(\"] ?|\b(?:by|of|from|to|for|only|wakes|than) )who(ever)? "
    r"(has|is|does|asks|wants|listens|sends|stands|comes|holds|needs) (?![^.?]*\?)": "the client that, the person who",
    r"\bwhoever\b": "the client that, the person who, anybody who",
    r"\brehears(e|es|ed|als|ing)\b": "try, simulate",
    r"\bmeddl(e|es|ed|ing)\b": "change",
    r"\bthe bars?\b": "the goal, with its figure",
    r"\bone of yesterday\b": "stale",
    r"\bgo(es)? (back )?behind\b|\bbehind (what|the last|the newest)\b": "after",
    r"\bis known by\b": "is found by",
    r"\bwhat [^.]{1,40} that is left out\b": "the default of",
    r"\b(is|are|was|were) dead\b|\bdead already\b": "expired, revoked, invalid",
    r"\banew\b": "again, new",
    r"\b(what|how) [^.,:;]{0,40}\b(became of|fared)\b": "the result",
    r"\bhow (it|they|an order|the order) stands?\b": "the state of",
    r"\bst(ands?|ood) still\b": "stops, does not respond",
    r"\b(has|had|in) (it |them )?in hand\b|\bin the hands of\b": "is handling",
    r"\blest\b": "so that ... not",
    r"\bhas it all\b|\btells the rest\b": "describes it",
    r"\bnobody spoke of\b": "nobody mentioned",
    r"\bnow and then\b": "sometimes",
}
_PATTERNS = [
    (re.compile(phrase.replace(" ", r"[\s#]+"), re.IGNORECASE | re.MULTILINE), better)
    for phrase, better in PHRASES.items()
]


def blank(found: re.Match[str]) -> str:
    """Spaces in place of a match, so that lines keep their numbers."""
    return re.sub(r"[^\n]", " ", found[0])


def words_of_python(source: str) -> str:
    """The comments and strings of a Python file at their places, with spaces for everything else."""
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    lines = [[" "] * len(line) for line in source.split("\n")]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            row, column = token.start
            for part in token.string.split("\n"):
                lines[row - 1][column : column + len(part)] = part
                row, column = row + 1, 0
    return "\n".join("".join(line) for line in lines)


def findings(text: str) -> list[tuple[int, str, str]]:
    """Line number, phrase and advice for each banned phrase in a text, outside of code between backticks."""
    text = re.sub(r"`[^`\n]+`", blank, EXAMPLES.sub(blank, text))
    return sorted(
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), better)
        for pattern, better in _PATTERNS
        for match in pattern.finditer(text)
    )


def files() -> list[Path]:
    """The files of this repository to check, as git lists them."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in listed if Path(name).suffix in READ and not name.startswith(LEFT_OUT)]


def main(arguments: list[str]) -> int:
    count = 0
    for path in [Path(name).resolve() for name in arguments] or files():
        text = path.read_text("utf-8")
        for number, phrase, better in findings(words_of_python(text) if path.suffix == ".py" else text):
            print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}:{number}: {phrase!r}: {better}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
