"""The data of retailers and clients that other domains use."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

# The header X-Retailer-Id: https://docs.instacart.com/connect/fulfillment_guide/concepts/multi-banner_retailer
RetailerId = Annotated[
    str,
    Meta(
        description="Slug of a banner: needed by clients of several banners, ignored for others.",
        examples=["the-garden-market"],
    ),
]


Amount = Annotated[int, Meta(ge=0, le=1_000_000)]
Hour = Annotated[int, Meta(ge=0, le=24)]
# `wanted` says what a value looks like, when another one is refused.
Colour = Annotated[str, Meta(pattern="^#[0-9a-f]{6}\\Z", extra={"wanted": "a colour such as #0d6b62"})]
SiteUrl = Annotated[
    str,
    Meta(
        pattern=r"^(https://[^/]|http://(localhost|127\.0\.0\.1)[:/])[!-~]*\Z",
        max_length=500,
        extra={"wanted": "an address such as https://shop.example.org"},
    ),
]


class Rules(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A retailer's rules for carts and slots, stored as JSON: a new rule needs no migration.

    `most_units`, `most_beverage_pounds`, `most_bulky_items`: apply only to delivery orders. Connect documents the
    first (https://docs.instacart.com/connect/fulfillment_guide/faq), and the other two without a number. Hours are
    in the store's time zone. `legal_age` None: as the law of the store's region has it. `underage`: what happens to
    items that the customer is too young for. `untaken`: what happens to an order that nobody took in time;
    `warn_minutes`: minutes before that, at which dispatchers are warned. `assignment`: whether dispatchers or the
    engine give orders to shoppers; `commit_minutes`: how long before its latest start the engine gives an order.
    `answer_minutes`: how long a shopper waits for the customer's answer to a replacement. `page_colour`: of the pages
    of orders, which link to `site_url`. `scale_codes`: what the codes on labels of the stores' scales contain.
    `certified_from_cents`: None for no certified delivery; Connect documents 15000 as the usual value.
    `appeasement_cents`: the credit that the retailer
    gives with a cancellation that is not the customer's wish; messages say so.
    """

    most_units: Amount = 250
    most_beverage_pounds: Amount = 240
    most_bulky_items: Amount = 10
    alcohol_from_hour: Hour = 8
    alcohol_until_hour: Hour = 22
    legal_age: Annotated[int, Meta(ge=0, le=120)] | None = None
    underage: Literal["refuse", "remove"] = "refuse"
    offers_immediate: bool = False
    offers_eta: bool = False
    untaken: Literal["reschedule", "cancel"] = "reschedule"
    warn_minutes: Annotated[int, Meta(ge=0, le=1440)] = 60
    assignment: Literal["by_hand", "assigned"] = "by_hand"
    commit_minutes: Annotated[int, Meta(ge=0, le=240)] = 20
    answer_minutes: Annotated[int, Meta(ge=0, le=60)] = 5
    scale_codes: Literal["price", "weight"] = "price"
    door_photo: bool = False
    delivery_pin: bool = False
    certified_from_cents: Amount | None = None
    appeasement_cents: Amount | None = None
    order_page: bool = True
    page_colour: Colour | None = None
    site_url: SiteUrl | None = None
    tells_customers: bool = True
    shopper_information_removal: bool = False
    retailer_id_in_callbacks: bool = False


# Settings that are columns of the table `retailers`, each true or false. A new setting, in `SWITCHES` or `Rules`, also
# needs its meaning in `locales/` and a row in docs/operations/commands.md.
SWITCHES = ("allows_user_deletion", "is_lenient", "serves_everywhere")


class Retailer(Struct, frozen=True):
    """One banner.

    `is_lenient`: accepts items that are not in its catalog, and phone numbers and birth dates in any form.
    `serves_everywhere`: where no store is in range, the nearest one is used. Both are for development.
    """

    id: int
    organization_id: int
    isolation_id: int
    slug: str
    name: str
    allows_user_deletion: bool
    is_lenient: bool
    serves_everywhere: bool
    rules: Rules


class ListedRetailer(Struct, frozen=True):
    """A retailer with the slug of its organization."""

    retailer: Retailer
    organization: str

    @property
    def shares_users(self) -> bool:
        """Whether it shares users and links with the banners of its organization that share."""
        return self.retailer.isolation_id == self.retailer.organization_id


class Client(Struct, frozen=True):
    """An OAuth application of an organization; `retailer_id` is None when it names a banner in each request.

    `generation` counts how often its tokens and codes were revoked: those of an earlier generation are invalid.
    """

    client_id: str
    organization_id: int
    retailer_id: int | None
    isolation_id: int | None
    name: str
    scopes: tuple[str, ...]
    require_pkce: bool
    require_state: bool
    is_disabled: bool
    generation: int


class NewClient(Struct, frozen=True):
    """A client with its secret, which is shown only once."""

    client_id: str
    client_secret: str


class ListedClient(Struct, frozen=True):
    """A client as operators see it, without secrets. `retailer` (a slug) is None if it acts for all banners."""

    client_id: str
    name: str
    retailer: str | None
    organization: str
    scope: str
    redirect_uris: Sequence[str]
    require_pkce: bool
    require_state: bool
    created_at: int
    is_enabled: bool


class Caller(Struct, frozen=True):
    """The caller that a bearer token proves: a client acting for one retailer, for one user if `user_id` is set."""

    client_id: str
    organization_id: int
    retailer_id: int
    isolation_id: int
    scopes: tuple[str, ...]
    user_id: str | None
