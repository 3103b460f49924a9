"""The platform's event callbacks: its token endpoint and its callback endpoint.

Format: https://docs.instacart.com/connect/api/fulfillment/communications/event_callbacks
"""

from handcart_client.receiver import Event, Receiver, TokenIssuer, asgi
from starlette.routing import Route

from storefront.news import News
from storefront.sessions import Sessions
from storefront.settings import EVENTS_PATH, TOKEN_PATH, Settings


def routes(settings: Settings, sessions: Sessions, news: News) -> list[Route]:
    """The routes for callbacks; none if no webhook is set up.

    The receiver remembers handled events in memory. After a restart, `keep_event` recognizes repeated events.
    """
    if not settings.callback_client_id or not settings.callback_client_secret:
        return []

    async def keep(event: Event) -> None:
        # The order may not be stored yet: its first event can arrive before the response to the checkout.
        if event.order_id and sessions.keep_event(event.order_id, event):
            news.tell(event.order_id)

    issuer = TokenIssuer(settings.callback_client_id, settings.callback_client_secret)
    secrets = [settings.callback_signing_secret] if settings.callback_signing_secret else []
    receiver = Receiver(keep, accepts=issuer.accepts, signing_secrets=secrets)
    return [Route(TOKEN_PATH, asgi(issuer)), Route(EVENTS_PATH, asgi(receiver))]
