"""The app reads product codes as the server does."""

import json
import random
import subprocess

from handcart.stores import codes
from tests.support.browser import ROOT

_MODULE = (ROOT / "handcart/shopper_app/app/codes.js").as_uri()
_READ = f"""
import {{ read }} from {json.dumps(_MODULE)};
let text = '';
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map((code) => read(code))));
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


def test_the_same_texts_then_the_app_and_the_server_read_the_same_codes() -> None:
    random_digits = random.Random("codes")
    texts = [*_ODD]
    for length in range(1, 16):
        for _ in range(200):
            digits = "".join(random_digits.choices("0123456789", k=length))
            texts += [digits, digits + codes.check_digit(digits), "0" + digits]
    answer = subprocess.run(
        ["node", "--input-type=module", "-e", _READ],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    different = [
        (text, ours, app)
        for text, app in zip(texts, json.loads(answer.stdout), strict=True)
        if (ours := codes.read(text)) != app
    ]
    assert different == []
