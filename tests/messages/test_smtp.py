"""Mail by a real mail server on this machine: what it gets, and what its answers mean."""

import asyncio
import email
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from handcart.messages.gateways import DOUBTFUL, FAILED, REFUSED, SENT, Parcel, Result, smtp
from handcart.messages.gateways.smtp import Smtp, mail
from handcart.messages.models import Content
from tests.support.certificates import Authority

HERE = "127.0.0.1"


class Mailbox:
    """A mail server's part: keeps mails, and answers as a test wants."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Any] = []
        self.to_recipient = "250 OK"
        self.to_mail = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return self.to_mail


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    controller = Controller(mailbox, hostname=HERE, port=0, ready_timeout=30, **options)
    controller.port = _free_port()
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HERE, 0))
        port: int = found.getsockname()[1]
        return port


def parcel(**fields: Any) -> Parcel:
    given = {
        "id": 42,
        "retailer_id": 0,
        "channel": "mail",
        "address": "ana@example.com",
        "template": "password_reset",
        "locale": "fr-CA",
        "content": Content("Votre mot de passe", "Bonjour Zoé,\nvoici le lien."),
        "subscription": None,
        "push_key": None,
        "seconds_left": 60,
    }
    return Parcel(**{**given, **fields})


def gateway(port: int, security: str = "none", **options: Any) -> Smtp:
    return Smtp(HERE, port, security, "Marché du Coin <no-reply@corner.example>", origin="connect.example", **options)


async def test_mail_sent_then_the_server_has_it_as_written() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as port:
        result = await gateway(port).send(parcel())
        again = await gateway(port).send(parcel())
    assert (result.outcome, again.outcome) == (SENT, SENT)
    got, second = mailbox.mails
    assert (mailbox.envelopes[0].mail_from, mailbox.envelopes[0].rcpt_tos) == (
        "no-reply@corner.example",
        ["ana@example.com"],
    )
    assert got["From"] == "Marché du Coin <no-reply@corner.example>"
    assert (got["To"], got["Subject"]) == ("ana@example.com", "Votre mot de passe")
    assert got["Message-ID"] == second["Message-ID"] == "<handcart-42@connect.example>"
    assert (got["Content-Language"], got["Auto-Submitted"]) == ("fr-CA", "auto-generated")
    assert got.get_content() == "Bonjour Zoé,\r\nvoici le lien.\r\n"
    assert got.get_content_type() == "text/plain"


HOSTILE = (
    *("Hi\r\nBcc: eve@example.com", "a\nX-Evil: 1", "\u202egnp.exe", "é" * 500, "a,b <c>", '"', "=?"),
    *(
        "=?utf-8?q?x=0ABcc:_eve@example.com?=",
        "=?utf-8?b?eApCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
        "a =?us-ascii?q?=0D=0A?= b",
    ),
)


def test_hostile_subjects_and_names_then_no_header_is_added() -> None:
    usual = sorted(mail(parcel(), "Market", "a@example.com", "h.example").keys())
    for text in HOSTILE:
        if "\n" not in text:  # `ops.write` has removed line feeds from subjects
            content = Content(text, ".\r\n.\nfrom a\n")
            made = mail(parcel(content=content), text, "a@example.com", "h.example")
            read = email.message_from_bytes(made.as_bytes(), policy=default)
            assert sorted(read.keys()) == usual
            assert [one.addr_spec for one in read["From"].addresses] == ["a@example.com"]
            assert [one.addr_spec for one in read["To"].addresses] == ["ana@example.com"]
        else:
            named = mail(parcel(), text, "a@example.com", "h.example")
            assert sorted(email.message_from_bytes(named.as_bytes(), policy=default).keys()) == usual
            with pytest.raises(ValueError, match=r"line ?feed"):
                mail(parcel(content=Content(text, "")), "Market", "a@example.com", "h.example")


async def test_body_with_dots_and_large_then_it_arrives_whole() -> None:
    mailbox = Mailbox()
    body = ".\n..\nQUIT\n" + "é\U0001f469 line\n" * 9000
    with serving(mailbox) as port:
        result = await gateway(port).send(parcel(content=Content("s", body)))
    assert result.outcome == SENT
    assert mailbox.mails[0].get_content() == (body + "\n").replace("\n", "\r\n")


ANSWERS = [
    ("to_recipient", "550 5.1.1 <ana@example.com> no such user", REFUSED),
    ("to_recipient", "450 4.2.1 try later", FAILED),
    ("to_mail", "554 5.7.1 looks like spam", REFUSED),
    ("to_mail", "452 4.3.1 disk full", FAILED),
]


@pytest.mark.parametrize(("step", "answer", "outcome"), ANSWERS)
async def test_server_refuses_then_its_code_says_whether_to_try_again(step: str, answer: str, outcome: str) -> None:
    mailbox = Mailbox()
    setattr(mailbox, step, answer)
    with serving(mailbox) as port:
        result = await gateway(port).send(parcel())
    assert (result.outcome, str(result.detail)[:3]) == (outcome, answer[:3])


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"mailer", b"right")
    return AuthResult(success=is_right, handled=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("mail"))


def context(authority: Authority, *hosts: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(authority.server(Path(str(authority.file) + hosts[0]), *hosts))
    return made


async def test_starttls_and_sign_in_then_sent_only_with_the_right_password(authority: Authority) -> None:
    mailbox = Mailbox()
    options = {
        "tls_context": context(authority, HERE),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": _authenticate,
    }
    file = str(authority.file)
    with serving(mailbox, **options) as port:
        right = await gateway(port, "starttls", user="mailer", password="right", ca_file=file).send(parcel())
        wrong = await gateway(port, "starttls", user="mailer", password="wrong", ca_file=file).send(parcel())
        nobody = await gateway(port, "starttls", ca_file=file).send(parcel())
        strangers = await gateway(port, "starttls", user="mailer", password="right").send(parcel())
    assert [one.outcome for one in (right, wrong, nobody, strangers)] == [SENT, FAILED, FAILED, FAILED]
    assert "certificate" in str(strangers.detail)
    assert len(mailbox.mails) == 1


async def test_server_without_starttls_then_nothing_is_sent_in_the_clear() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as port:
        result = await gateway(port, "starttls", user="mailer", password="right").send(parcel())
    assert (result.outcome, mailbox.mails) == (FAILED, [])


async def test_tls_from_the_first_byte_then_the_name_must_match(authority: Authority) -> None:
    mailbox = Mailbox()
    for hosts, outcome in (((HERE,), SENT), (("other.example",), FAILED)):
        with serving(mailbox, ssl_context=context(authority, *hosts)) as port:
            result = await gateway(port, "tls", ca_file=str(authority.file)).send(parcel())
        assert result.outcome == outcome


async def answered_by(*lines: bytes, pause: float = 0.0) -> Result:
    """The result of a mail to a server that sends these lines, one for each command, and then hangs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            for byte in line:
                writer.write(bytes([byte]))
                await asyncio.sleep(pause)
            await reader.readline()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, HERE, 0) as server:
        return await gateway(server.sockets[0].getsockname()[1]).send(parcel())


GREETINGS = (b"220 hello\r\n", b"250 connect\r\n", b"250 sender\r\n", b"250 recipient\r\n", b"354 go\r\n")


async def test_server_hangs_drips_or_closes_then_what_is_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "BEFORE_SECONDS", 0.2)
    monkeypatch.setattr(smtp, "DATA_SECONDS", 0.2)
    assert (await answered_by()).outcome == FAILED
    assert (await answered_by(*GREETINGS[:3])).outcome == FAILED
    assert (await answered_by(b"220 " + b"x" * 1000, pause=0.01)).outcome == FAILED
    assert (await answered_by(*GREETINGS)).outcome == DOUBTFUL
    assert (await answered_by(b"554 go away\r\n")).outcome == FAILED
    assert (await answered_by(b"garbage\r\n")).outcome == FAILED
    absent = await gateway(_free_port()).send(parcel())
    assert absent.outcome == FAILED
