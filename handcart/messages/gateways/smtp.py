"""Send mail by a mail server (SMTP). Imported only if there is one; the library, when the first mail is sent."""

import asyncio
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Any

from handcart.core import clock
from handcart.core.budget import Crowded, is_exhausted
from handcart.core.settings import SMTP_PLAIN, SMTP_STARTTLS, SMTP_TLS
from handcart.core.text import visible
from handcart.messages.gateways import DOUBTFUL, FAILED, REFUSED, SENT, Parcel, Result

if TYPE_CHECKING:
    from aiosmtplib import SMTP

# Time until the server has taken the recipient, and then until it has taken the mail.
BEFORE_SECONDS, DATA_SECONDS = 20.0, 20.0
_PERMANENT = range(500, 600)
_MOST_NAME = 60


class Smtp:
    """A mail server. `security`: `starttls`, `tls` or `none`; `sender`: `Name <address>` or an address.

    `origin`: this server's host name, for the ids of mails. `ca_file`: as for the outbound client.
    """

    name = "smtp"

    def __init__(
        self,
        host: str,
        port: int,
        security: str,
        sender: str,
        *,
        user: str = "",
        password: str = "",
        origin: str = "localhost",
        ca_file: str | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "hostname": host,
            "port": port,
            "use_tls": security == SMTP_TLS,
            "start_tls": security == SMTP_STARTTLS,
            "username": user or None,
            "password": password or None,
            "local_hostname": origin,
            "timeout": BEFORE_SECONDS,
        }
        self._ca_file = ca_file
        self._is_encrypted = security != SMTP_PLAIN
        self._sender = sender
        self._origin = origin

    async def send(self, parcel: Parcel) -> Result:
        import aiosmtplib

        name, address = parseaddr(self._sender)
        try:
            content = mail(parcel, name, address, self._origin).as_bytes()
        except ValueError as error:
            return Result(REFUSED, f"it cannot be written as a mail: {error}")
        if is_exhausted():
            raise Crowded("no descriptor for a connection to the mail server")
        server = aiosmtplib.SMTP(**self._options, tls_context=self._context() if self._is_encrypted else None)
        try:
            early = await _before(server, address, parcel.address)
            return await _data(server, content) if early is None else early
        finally:
            server.close()

    async def close(self) -> None:
        """No connection is kept."""

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def mail(parcel: Parcel, name: str, address: str, origin: str) -> EmailMessage:
    """A mail from `name` and `address`. Its Message-ID is the same if it is sent twice, so that readers can tell.

    Raises ValueError if a header would contain a line feed.
    """
    made = EmailMessage(policy=WIRE)
    user, _, domain = address.rpartition("@")
    made["From"] = Address(_not_encoded(visible(name, _MOST_NAME)), user, domain)
    to_user, _, to_domain = parcel.address.rpartition("@")
    made["To"] = Address("", to_user, to_domain)
    made["Subject"] = _not_encoded(parcel.content.subject)
    made["Date"] = format_datetime(datetime.fromtimestamp(clock.of_process() // clock.SECOND, UTC))
    made["Message-ID"] = f"<handcart-{parcel.id}@{origin}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(parcel.content.body + "\n")
    made["Content-Language"] = parcel.locale
    if any("\n" in value or "\r" in value for value in map(str, made.values())):
        raise ValueError("line feed in a header")
    return made


def _not_encoded(text: str) -> str:
    """A text without encoded words: the library would decode them, to line feeds too, and so to further headers."""
    return text.replace("=?", "= ?")


async def _before(server: "SMTP", sender: str, recipient: str) -> Result | None:
    """Connect, and name sender and recipient; returns a result if that fails: then nothing was sent."""
    import aiosmtplib

    try:
        async with asyncio.timeout(BEFORE_SECONDS):
            await server.connect()
            await server.mail(sender)
            try:
                await server.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                return Result(REFUSED if error.code in _PERMANENT else FAILED, _said(error))
    except TimeoutError:
        return Result(FAILED, f"timeout: the mail server took no recipient within {BEFORE_SECONDS:g} s")
    except aiosmtplib.SMTPResponseException as error:  # of the server or our account, not of this recipient
        return Result(FAILED, _said(error))
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno and is_exhausted(error):
            raise Crowded("no descriptor for a connection to the mail server") from None
        return Result(FAILED, f"the mail server cannot be used: {error}")
    return None


async def _data(server: "SMTP", content: bytes) -> Result:
    """Send the mail itself. Without an answer it may have been sent."""
    import aiosmtplib

    try:
        async with asyncio.timeout(DATA_SECONDS):
            answer = await server.data(content)
    except aiosmtplib.SMTPResponseException as error:
        return Result(REFUSED if error.code in _PERMANENT else FAILED, _said(error))
    except TimeoutError:
        return Result(DOUBTFUL, f"timeout: the mail server did not confirm the mail within {DATA_SECONDS:g} s")
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return Result(DOUBTFUL, f"the mail server did not confirm the mail: {error}")
    return Result(SENT, f"{answer.code} {answer.message}")


def _said(error: Any) -> str:
    return f"{error.code} {error.message}"
