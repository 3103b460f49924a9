"""The gateways that the settings name, and what is missing or unsafe about them."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from handcart.core import ids
from handcart.core.settings import SMTP_PLAIN, Settings, secret
from handcart.messages import addresses, push
from handcart.messages.gateways import Gateway, Parcel, Result, twilio, vonage
from handcart.messages.gateways.nothing import Log, NotSetUp
from handcart.messages.gateways.twilio import Twilio
from handcart.messages.gateways.vonage import Vonage
from handcart.messages.gateways.web_push import WebPush
from handcart.messages.models import CHANNELS, MAIL, PUSH, SMS, Content

# Paths at which gateways report; `messages.routes` serves them.
REPLIES_PATH = "/gateways/{}/replies"
RECEIPTS_PATH = "/gateways/{}/receipts"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def create(settings: Settings) -> Mapping[str, Gateway]:
    """The gateway of each channel. A channel that is not set up refuses its messages, and says what to set.

    Raises `SettingsError` if the file of a secret cannot be read.
    """
    makers = {MAIL: _mail, SMS: _sms, PUSH: _push}
    made: dict[str, Gateway] = {}
    for channel in CHANNELS:
        why = _missing(settings, channel)
        made[channel] = makers[channel](settings) if why is None else NotSetUp(f"there is no gateway: {why}")
    return made


def channels(settings: Settings) -> frozenset[str]:
    """The channels by which messages are sent with these settings."""
    return frozenset(channel for channel in CHANNELS if not _missing(settings, channel))


def missing(settings: Settings) -> Iterable[str]:
    """A sentence for each channel by which no message is sent, with the settings to make."""
    for channel in CHANNELS:
        if why := _missing(settings, channel):
            yield f"{_NAMES[channel]} are not sent: {why}"


def unsafe(settings: Settings) -> Iterable[str]:
    """A sentence for each setting that lets strangers read messages or the secrets of gateways."""
    if settings.smtp_host and settings.smtp_security == SMTP_PLAIN and settings.smtp_host not in _LOOPBACK:
        yield (
            f"Mail, with its one-time links, goes to {settings.smtp_host} unencrypted: set HANDCART_SMTP_SECURITY to"
            " starttls or tls"
        )
    url = urlsplit(settings.sms_url)
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        yield f"Text messages and the gateway's secret go to {url.hostname} unencrypted: set HANDCART_SMS_URL to https"


async def try_out(settings: Settings, channel: str, address: str) -> Result:
    """Send a test message at once, without storing it."""
    gateway = create(settings)[channel]
    parcel = Parcel(
        id=ids.new_id(),
        retailer_id=0,
        channel=channel,
        address=addresses.normal(SMS, address) if channel == SMS else address,
        template="test",
        locale="en-US",
        content=Content(f"Test message of {settings.brand}", f"{settings.brand} can send you messages."),
        subscription=None,
        push_key=None,
        seconds_left=60,
    )
    try:
        return await gateway.send(parcel)
    finally:
        await gateway.close()


def gateway_secret(settings: Settings, gateway: str) -> str:
    """The secret with which a gateway signs its requests; empty if this gateway is not set up."""
    if gateway != settings.sms_gateway:
        return ""
    if gateway == twilio.NAME:
        return secret(settings.sms_secret, settings.sms_secret_file)
    return secret(settings.sms_signature_secret, settings.sms_signature_secret_file)


_NAMES = {MAIL: "Mails", SMS: "Text messages", PUSH: "Push messages"}


def _missing(settings: Settings, channel: str) -> str | None:
    """Which settings a channel lacks; None if it has all."""
    if channel == MAIL:
        wanted = {"HANDCART_SMTP_HOST": settings.smtp_host, "HANDCART_MAIL_FROM": settings.mail_from}
    elif channel == PUSH:
        wanted = {"HANDCART_PUBLIC_URL with https": settings.issuer if settings.is_https else ""}
    elif settings.sms_gateway in (twilio.NAME, vonage.NAME):
        wanted = {
            "HANDCART_SMS_ACCOUNT": settings.sms_account,
            "HANDCART_SMS_SECRET_FILE": settings.sms_secret or settings.sms_secret_file,
            "HANDCART_SMS_FROM": settings.sms_from,
        }
    else:
        wanted = {"HANDCART_SMS_GATEWAY": settings.sms_gateway}
    lacking = [name for name, value in wanted.items() if not value]
    return f"set {' and '.join(lacking)}" if lacking else None


def _mail(settings: Settings) -> Gateway:
    from handcart.messages.gateways.smtp import Smtp  # it imports much that servers without mail do not need

    return Smtp(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.mail_from,
        user=settings.smtp_user,
        password=secret(settings.smtp_password, settings.smtp_password_file),
        origin=urlsplit(settings.issuer).hostname or "localhost",
    )


def _sms(settings: Settings) -> Gateway:
    if settings.sms_gateway == Log.name:
        return Log()
    make = Twilio if settings.sms_gateway == twilio.NAME else Vonage
    return make(
        settings.sms_account,
        secret(settings.sms_secret, settings.sms_secret_file),
        settings.sms_from,
        settings.issuer + RECEIPTS_PATH.format(settings.sms_gateway) if settings.is_https else "",
        settings.sms_url.rstrip("/"),
    )


def _push(settings: Settings) -> Gateway:
    return WebPush(settings.issuer, push.RULES)
