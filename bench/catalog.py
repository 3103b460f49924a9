"""Every candidate by name, prepared only when it is asked for."""

from collections.abc import Callable, Sequence

from bench.candidates import Candidate, Workshop, handcart, limit, peers

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
}


def chosen(only: Sequence[str]) -> list[str]:
    """The names that begin with one of `only`, or all names. Raises ValueError for one that fits nothing."""
    for wanted in only:
        if not any(name.startswith(wanted) for name in CATALOG):
            raise ValueError(f"there is no candidate {wanted!r}; there are: {', '.join(CATALOG)}")
    return [name for name in CATALOG if not only or name.startswith(tuple(only))]
