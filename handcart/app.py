"""The whole server: every domain's routes on one database. Here, domains get the functions they cannot import."""

from collections.abc import Sequence

from handcart import worker
from handcart.accounts import pages as account_pages
from handcart.accounts import self_service_pages
from handcart.acts import ops as acts
from handcart.callbacks import routes as callbacks_routes
from handcart.chat import ops as chat
from handcart.console import routes as console_routes
from handcart.console import watch as console_watch
from handcart.core.db import Tx, migrate
from handcart.core.db.connect import is_postgres
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.core.web import wire
from handcart.core.web.app import App
from handcart.core.web.browser import error_page, static_file
from handcart.core.web.call import Background, Call, Reply, Route
from handcart.description import pages as description_pages
from handcart.linking import api as linking_api
from handcart.linking import ops as linking
from handcart.linking import pages as linking_pages
from handcart.messages import routes as message_routes
from handcart.messages.inbound import OnReply
from handcart.notifications import replies
from handcart.oauth import api as oauth_api
from handcart.oauth import bearer
from handcart.oauth import pages as oauth_pages
from handcart.order_page import live
from handcart.order_page import routes as order_page_routes
from handcart.orders import ops as orders
from handcart.orders import routes as orders_routes
from handcart.post_checkout import routes as post_checkout_routes
from handcart.requests.recorder import Recorder
from handcart.sandbox.control import routes as control_routes
from handcart.sandbox.control.hook import SandboxHook
from handcart.sandbox.documented import routes as documented_routes
from handcart.sandbox.mailbox import api as mailbox_api
from handcart.sandbox.mailbox import pages as mailbox_pages
from handcart.sandbox.robot import api as robot_api
from handcart.shopper_app import routes as shopper_app_routes
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import CUSTOMER, STAFF
from handcart.slots import ops as slots
from handcart.slots import routes as slots_routes
from handcart.store_app import news as store_news
from handcart.store_app import routes as store_app_routes
from handcart.stores import api as stores_api
from handcart.stores import pages as stores_pages
from handcart.upkeep.sampler import Sampler
from handcart.users import api as users_api
from handcart.users import ops as users


def create(settings: Settings, keys: Keys) -> App:
    """The ASGI application."""
    # Not in a sandbox, whose clock must apply at once.
    caches = is_postgres(settings.database_url) and not settings.is_sandbox
    authenticate = bearer.Bearers(caches=caches).authenticate
    hook = SandboxHook(authenticate) if settings.is_sandbox else None
    watch, console, stores = live.Watch(), console_watch.Watch(), store_news.Watch()
    background: list[Background] = [watch, console, stores]
    if settings.deliver_callbacks:
        background += [worker.create_sender(settings), worker.create_messenger(settings)]
        background.append(worker.create_engine(settings))
    sampler = Sampler()
    if settings.metrics_port or settings.metrics_public:
        background.append(sampler)
    answered = None
    if settings.is_production and settings.request_log_rows:
        recorder = Recorder(settings.request_log_percent)
        background.append(recorder)
        answered = recorder.answered
    table = routes(settings, watch, console, stores)
    of_console = None
    if settings.console_listener is not None:
        table, of_console = _sides(table)
    made = App(settings, keys, table, authenticate, error_page, hook, background, answered, of_console)
    made.metrics.add(sampler.collect)
    return made


def routes(
    settings: Settings,
    watch: live.Watch | None = None,
    console: console_watch.Watch | None = None,
    stores: store_news.Watch | None = None,
) -> Sequence[Route]:
    """The route table for these settings.

    `watch`, `console` and `stores`: what open pages of orders, of the console and of tablets get their news from.
    """
    table = [*api_routes(), *page_routes(watch, console, stores), *_health_routes()]
    table += message_routes.routes(_reader_of_replies(settings))
    if settings.self_service:
        table += [*self_service_pages.ROUTES, *linking_pages.SELF_SERVICE_ROUTES]
    if settings.is_sandbox:
        table += sandbox_table()
    if settings.is_sandbox or settings.reference:
        table += description_pages.routes(description)
    if settings.metrics_public:
        table.append(Route(method="GET", path="/metrics", handler=_metrics))
    return table


def _sides(table: Sequence[Route]) -> tuple[Sequence[Route], Sequence[Route]]:
    """The routes of the public listener, and those of the console's."""
    of_console = [route for route in table if route.path == "/console" or route.path.startswith("/console/")]
    of_both = [route for route in table if route.path in ("/live", "/ready", "/static/{name}")]
    home = Route(method="GET", path="/", handler=_console_home)
    return [route for route in table if route not in of_console], [home, *of_console, *of_both]


def api_routes() -> Sequence[Route]:
    """The routes of the Connect API, and Handcart's own."""
    return (
        *oauth_api.routes(users.lock),
        *users_api.routes(
            [acts.forget_user, chat.forget_user, orders.forget_user, slots.forget_user, linking.forget_user]
        ),
        *linking_api.ROUTES,
        *stores_api.ROUTES,
        *slots_routes.ROUTES,
        *orders_routes.ROUTES,
        *post_checkout_routes.ROUTES,
        *callbacks_routes.ROUTES,
    )


def sandbox_table() -> Sequence[Route]:
    """The routes that only a sandbox has."""
    return (
        *documented_routes.ROUTES,
        *control_routes.ROUTES,
        *robot_api.ROUTES,
        *control_routes.ORDER_ROUTES,
        *mailbox_api.ROUTES,
        *mailbox_pages.ROUTES,
    )


def page_routes(
    watch: live.Watch | None = None,
    console: console_watch.Watch | None = None,
    stores: store_news.Watch | None = None,
) -> Sequence[Route]:
    """The routes of HTML pages. `watch`, `console`, `stores`: as in `routes`."""
    return (
        *oauth_pages.routes(linking.is_linked),
        *account_pages.ROUTES,
        *linking_pages.ROUTES,
        *console_routes.ROUTES,
        *console_watch.routes(console or console_watch.Watch()),
        *shopper_app_routes.ROUTES,
        *store_app_routes.ROUTES,
        *store_news.routes(stores or store_news.Watch()),
        *stores_pages.ROUTES,
        *order_page_routes.routes(watch or live.Watch()),
        Route(method="GET", path="/", handler=_home),
        Route(method="GET", path="/static/{name}", handler=static_file),
    )


def description(settings: Settings) -> dict[str, object]:
    """The OpenAPI document; in a sandbox, including its own operations."""
    from handcart.description import document  # loaded when it is asked for: start-up time

    return document.describe(settings, routes(settings))


def _reader_of_replies(settings: Settings) -> OnReply:
    async def read(tx: Tx, number: str, text: str) -> str:
        return await replies.read(tx, replies.Reply(number, text, settings.brand))

    return read


def _health_routes() -> Sequence[Route]:
    return (
        Route(method="GET", path="/live", handler=_live),
        Route(method="GET", path="/ready", handler=_ready),
    )


async def _live(call: Call) -> Reply:
    """Answer that the process runs."""
    return Reply(200, b'{"status":"live"}', ((b"content-type", b"application/json"),))


async def _ready(call: Call) -> Reply:
    """Answer whether the database responds, with this release's schema and this installation's key."""
    try:
        await call.app.database.read(_check)
    except Exception as error:
        body = wire.encode({"status": "not ready", "cause": type(error).__name__})
        return Reply(503, body, ((b"content-type", b"application/json"), (b"retry-after", b"1")))
    return Reply(200, b'{"status":"ready"}', ((b"content-type", b"application/json"),))


async def _check(tx: Tx) -> None:
    await migrate.check_schema(tx)


async def _metrics(call: Call) -> Reply:
    return Reply(200, call.app.metrics.text(), ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),))


async def _console_home(call: Call) -> Reply:
    return SessionBrowser(call, STAFF).see_other("/console")


async def _home(call: Call) -> Reply:
    return SessionBrowser(call, CUSTOMER).see_other("/account")
