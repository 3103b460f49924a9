"""Forms with files, as browsers post them, and what is no such form."""

import pytest

from handcart.core.web.multipart import NotAForm, Parts, parse

TYPE = "multipart/form-data; boundary=----WebKitFormBoundaryx"
MARK = b"------WebKitFormBoundaryx"
TEXT = b'\r\nContent-Disposition: form-data; name="body"\r\n\r\nHello\r\nthere\r\n'
FILE = (
    b'\r\nContent-Disposition: form-data; name="picture"; filename="../a.jpg"\r\nContent-Type: image/jpeg'
    b"\r\n\r\n\xff\xd8\r\n\x00\r\n"
)


def test_form_has_a_text_and_a_file_then_both_are_read() -> None:
    body = MARK + TEXT + MARK + FILE + MARK + b"--\r\n"
    assert parse(TYPE, body) == Parts({"body": "Hello\r\nthere"}, {"picture": b"\xff\xd8\r\n\x00"})
    assert parse(TYPE.replace("=", '="') + '"', body).fields == {"body": "Hello\r\nthere"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", MARK + TEXT + MARK + b"--"),
        ("text/plain; boundary=x", b"--x--"),
        (TYPE, b""),
        (TYPE, b"{}"),
        (TYPE, MARK + TEXT),
        (TYPE, MARK + TEXT + MARK),
        (TYPE, b"first" + MARK + TEXT + MARK + b"--"),
        (TYPE, (MARK + TEXT) * 100 + MARK + b"--"),
        (TYPE, MARK + b"\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + MARK + b"--"),
        (TYPE, MARK + b'\r\nContent-Disposition: form-data; name="a"\r\n' + MARK + b"--"),
        (TYPE, MARK + TEXT.replace(b"Hello", b"\xff") + MARK + b"--"),
        ("multipart/form-data; boundary=" + "x" * 71, b"--" + b"x" * 71 + b"--"),
        ("multipart/form-data; boundary=\xe9", b"--x--"),
        (TYPE, MARK + b"\r\n" + b"form-data;" * 400_000 + b"\r\n\r\nx\r\n" + MARK + b"--"),  # hours for a search
    ],
)
def test_body_is_no_form_then_refused(kind: str, body: bytes) -> None:
    with pytest.raises(NotAForm):
        parse(kind, body)
