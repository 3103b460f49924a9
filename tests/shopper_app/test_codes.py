"""The app reads product codes as the server does."""

import json
import random
import subprocess
from typing import Any

from handcart.stores import codes, weighed
from tests.support.browser import ROOT

_MODULE = (ROOT / "handcart/shopper_app/app/codes.js").as_uri()
_READ = f"""
import {{ read, scanned }} from {json.dumps(_MODULE)};
let text = '';
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map((code) => {{
  const {{ item, cents, thousandths }} = scanned(code);
  return [read(code), item && [item, cents, thousandths]];
}})));
"""
_ODD = [
    "",
    " ",
    "4011",
    "04011",
    "94011",
    "004011",
    "2011",
    "12345",
    "123456",
    "abc",
    " 036000291452 ",
    "٠٣٦٠٠٠٢٩١٤٥٢",
    "²",
]


def read_by_the_app(texts: list[str]) -> Any:
    """The normal form of each code, and what a scale's code says: number, price, thousandths."""
    run = subprocess.run(
        ["node", "--input-type=module", "-e", _READ],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def read_by_the_server(text: str) -> list[Any]:
    scale = weighed.read(text)
    return [codes.read(text), scale and [scale.number, scale.price_cents, scale.thousandths]]


def test_the_same_texts_then_the_app_and_the_server_read_the_same_codes() -> None:
    random_digits = random.Random("codes")
    texts = [*_ODD]
    for length in range(1, 16):
        for _ in range(200):
            digits = "".join(random_digits.choices("0123456789", k=length))
            texts += [digits, digits + codes.check_digit(digits), "0" + digits]
    for start, length in (("2", 11), ("02", 12), ("20", 12), ("27", 12)):
        for _ in range(500):
            digits = start + "".join(random_digits.choices("0123456789", k=length - len(start)))
            price = digits[:-5] + weighed.verifier(digits[-4:]) + digits[-4:]
            texts += [one + codes.check_digit(one) for one in (digits, price)]
    read = zip(texts, read_by_the_app(texts), strict=True)
    different = [(text, ours, app) for text, app in read if (ours := read_by_the_server(text)) != app]
    assert different == []
