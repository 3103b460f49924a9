"""All candidates by name, prepared only on demand."""

from collections.abc import Callable, Sequence

from bench.candidates import Candidate, Workshop, handcart, limit, orders, peers, shops, starts

CATALOG: dict[str, Callable[[Workshop], Candidate]] = {
    "handcart-sqlite-1": lambda workshop: handcart.on_sqlite(workshop, 1),
    "limit-sqlite-1": lambda workshop: limit.on_sqlite(workshop, 1),
    "handcart-postgresql-1": lambda workshop: handcart.on_postgresql(workshop, 1),
    "limit-postgresql-1": lambda workshop: limit.on_postgresql(workshop, 1),
    "oidc-provider-1": lambda workshop: peers.oidc_provider(workshop, 1),
    "authlib-flask-1": lambda workshop: peers.authlib_flask(workshop, 1),
    "django-oauth-toolkit-1": lambda workshop: peers.django_oauth_toolkit(workshop, 1),
    "handcart-sqlite-2": lambda workshop: handcart.on_sqlite(workshop, 2),
    "limit-sqlite-2": lambda workshop: limit.on_sqlite(workshop, 2),
    "oidc-provider-2": lambda workshop: peers.oidc_provider(workshop, 2),
    "authlib-flask-2": lambda workshop: peers.authlib_flask(workshop, 2),
    "django-oauth-toolkit-2": lambda workshop: peers.django_oauth_toolkit(workshop, 2),
    "orders-handcart-sqlite-1k": lambda workshop: orders.handcart(workshop, "sqlite", orders.FEW),
    "orders-limit-sqlite-1k": lambda workshop: orders.limit(workshop, "sqlite", orders.FEW),
    "orders-silent-sqlite-1k": lambda workshop: orders.silent(workshop, "sqlite"),
    "orders-handcart-sqlite-1m": lambda workshop: orders.handcart(workshop, "sqlite", orders.MANY),
    "orders-handcart-postgresql-1k": lambda workshop: orders.handcart(workshop, "postgresql", orders.FEW),
    "orders-limit-postgresql-1k": lambda workshop: orders.limit(workshop, "postgresql", orders.FEW),
    "orders-silent-postgresql-1k": lambda workshop: orders.silent(workshop, "postgresql"),
    "orders-handcart-postgresql-1m": lambda workshop: orders.handcart(workshop, "postgresql", orders.MANY),
    "orders-sandbox-sqlite": lambda workshop: orders.sandbox(workshop, "sqlite"),
    "orders-sandbox-postgresql": lambda workshop: orders.sandbox(workshop, "postgresql"),
    "orders-django-oscar-api": shops.django_oscar_api,
    "orders-vendure": shops.vendure,
    "start-handcart-sandbox": lambda workshop: starts.handcart(workshop, "sandbox"),
    "start-handcart-production": lambda workshop: starts.handcart(workshop, "production"),
    "start-moto": starts.moto,
    "start-localstripe": starts.localstripe,
    "start-prism": lambda _workshop: starts.prism(),
    "start-mockoon": lambda _workshop: starts.mockoon(),
    "start-wiremock": lambda _workshop: starts.wiremock(),
}


def chosen(only: Sequence[str]) -> list[str]:
    """The names that begin with one of `only`, or all names. Raises ValueError for one that matches nothing."""
    for wanted in only:
        if not any(name.startswith(wanted) for name in CATALOG):
            raise ValueError(f"there is no candidate {wanted!r}; there are: {', '.join(CATALOG)}")
    return [name for name in CATALOG if not only or name.startswith(tuple(only))]
