"""The outbound client's TLS: which certificates it accepts, and its errors for others."""

import asyncio
import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from handcart.core.outbound.client import Client, Failed, UrlRules
from tests.support.certificates import DAY, NOW, Authority
from tests.support.receivers import HERE, Receiver, names, receiving, saying

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NAME = "receiver.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


def context_of(certificate: Path, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if version:
        with warnings.catch_warnings():  # old versions are what this is about
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    return context


async def post(receiver: Receiver, host: str, ca_file: str | None, **more: Any) -> int:
    rules = UrlRules(allow_ports=(receiver.port,), allow_networks=(f"{HERE}/32",))
    client = Client(rules, resolve=names(receiver=[HERE]), ca_file=ca_file, **more)
    try:
        return (await client.request("POST", f"https://{host}:{receiver.port}/", b"{}", [])).status
    finally:
        await client.close()


@pytest.mark.parametrize("host", [NAME, f"{NAME}.", HERE])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_certificate_good_then_answered_and_the_name_is_the_urls(
    authority: Authority, runner: asyncio.Runner, tmp_path: Path, host: str, version: ssl.TLSVersion
) -> None:
    async def check() -> None:
        context = context_of(authority.server(tmp_path / "server.pem", NAME, HERE), version)
        asked: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: asked.append(name)
        async with receiving(saying(OK), ssl=context) as receiver:
            assert await post(receiver, host, str(authority.file)) == 200
        assert asked == [None if host == HERE else NAME]
        assert f"host: {host}:{receiver.port}\r\n".encode() in receiver.requests[0]

    runner.run(check())


@pytest.mark.parametrize(
    ("hosts", "more", "expected"),
    [
        ([NAME], {"until": NOW - DAY}, "TLS: certificate has expired"),
        (
            ["other.example", "*.receiver.example"],
            {},
            "TLS: Hostname mismatch, certificate is not valid for 'receiver.*'",
        ),
        ([HERE], {}, "TLS: Hostname mismatch, certificate is not valid for 'receiver.example'"),
        ([NAME], {"by_itself": True}, "TLS: self-signed certificate"),
    ],
)
def test_certificate_bad_then_failed_and_nothing_is_sent(
    authority: Authority, runner: asyncio.Runner, tmp_path: Path, hosts: list[str], more: Any, expected: str
) -> None:
    async def check() -> None:
        context = context_of(authority.server(tmp_path / "server.pem", *hosts, **more))
        async with receiving(saying(OK), ssl=context) as receiver:
            with pytest.raises(Failed, match=f"^{expected}"):
                await post(receiver, NAME, str(authority.file))
        assert receiver.requests == []

    runner.run(check())


def test_system_knows_the_authority_or_not_then_believed_or_failed(
    authority: Authority, runner: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        context = context_of(authority.server(tmp_path / "server.pem", NAME))
        async with receiving(saying(OK), ssl=context) as receiver:
            with pytest.raises(Failed, match=r"^TLS: unable to get local issuer certificate"):
                await post(receiver, NAME, None)
            assert receiver.requests == []
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
            assert await post(receiver, NAME, None) == 200

    runner.run(check())


def test_certificate_names_no_issuer_then_a_strict_python_says_what_to_do(
    authority: Authority, runner: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python 3.13 does by default, with any version."""
    make = ssl.create_default_context

    def strict(**more: Any) -> ssl.SSLContext:
        context = make(**more)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    async def check() -> None:
        context = context_of(authority.server(tmp_path / "server.pem", NAME, names_issuer=False))
        async with receiving(saying(OK), ssl=context) as receiver:
            with pytest.raises(Failed, match=r"^TLS: Missing Authority Key Identifier, which Python 3\.13 and later"):
                await post(receiver, NAME, str(authority.file))
        assert receiver.requests == []

    monkeypatch.setattr(ssl, "create_default_context", strict)
    runner.run(check())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_too_old_then_failed(
    authority: Authority, runner: asyncio.Runner, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    async def check() -> None:
        context = context_of(authority.server(tmp_path / "server.pem", NAME), version)
        async with receiving(saying(OK), ssl=context) as receiver:
            with pytest.raises(Failed, match=r"^TLS: .*protocol|^connection closed within the TLS handshake"):
                await post(receiver, NAME, str(authority.file))
        assert receiver.requests == []

    runner.run(check())


def test_receiver_speaks_no_tls_or_is_silent_then_failed(authority: Authority, runner: asyncio.Runner) -> None:
    async def check() -> None:
        for first, expected, seconds in ((OK, "^TLS: ", 5.0), (b"", "^timeout: no connection within 0.1 s$", 0.1)):
            left = asyncio.Event()

            async def serve(
                reader: asyncio.StreamReader,
                writer: asyncio.StreamWriter,
                first: bytes = first,
                left: asyncio.Event = left,
            ) -> None:
                writer.write(first)
                with suppress(ConnectionError):
                    await reader.read()  # until the client has closed
                writer.transport.abort()
                left.set()

            receiver = Receiver(saying())
            async with await asyncio.start_server(serve, HERE, 0) as server:
                receiver.port = server.sockets[0].getsockname()[1]
                with pytest.raises(Failed, match=expected):
                    await post(receiver, NAME, str(authority.file), connect_seconds=seconds)
                await asyncio.wait_for(left.wait(), 30)

    runner.run(check())
