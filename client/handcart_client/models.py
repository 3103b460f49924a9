"""What the server answers, in the wire's own words. Fields that a newer server adds are ignored."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct, ValidationError, field

HIDDEN = "[hidden]"


class User(Struct, frozen=True, kw_only=True):
    """A Connect user account: the identity that the retailer chose for a customer."""

    user_id: str
    first_name: str
    last_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None


class AddressFlags(Struct, frozen=True, kw_only=True):
    """long_distance_delivery: more than 30 minutes from the nearest stores; None when the server does not say."""

    long_distance_delivery: bool | None = None


class ValidatedAddress(Struct, frozen=True, kw_only=True):
    """An address in the form to use when ordering. `user_id` is None where a deprecated endpoint leaves it out."""

    address_line_1: str
    postal_code: str
    user_id: str | None = None
    flags: AddressFlags = field(default_factory=AddressFlags)


class StoreFlags(Struct, frozen=True, kw_only=True):
    """pickup_only: no delivery. long_distance_delivery: delivers to addresses 30 to 60 minutes away."""

    alcohol: bool
    pickup: bool
    pickup_only: bool = False
    long_distance_delivery: bool | None = None


class Store(Struct, frozen=True, kw_only=True):
    """A store of the retailer; the other calls want its `location_code`."""

    name: str
    location_code: str
    flags: StoreFlags


class FoundStores(Struct, frozen=True, kw_only=True):
    """Stores, the nearest first. is_partial: they serve a part of the postal code; None when it is not said."""

    stores: tuple[Store, ...] = ()
    is_partial: bool | None = None


class ItemName(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product by one of its codes: the UPC, or the retailer's own (rrc)."""

    upc: str | None = None
    rrc: str | None = None


class ItemToValidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product and how much of it. line_num: any mark that the answer repeats, on servers that do."""

    item: ItemName
    count: int | None = None
    weight: float | None = None
    line_num: str | None = None


class ItemProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with an item."""

    message: str
    code: int | None = None


class ItemFailure(Struct, frozen=True, kw_only=True):
    """An item that failed, and why."""

    item: ItemName
    error: ItemProblem
    line_num: str | None = None


class ValidatedItems(Struct, frozen=True, kw_only=True):
    """No failures: all items are good. warnings: unknown items that a lenient Handcart retailer lets pass."""

    validation_failures: tuple[ItemFailure, ...] = ()
    warnings: tuple[ItemFailure, ...] = ()


class Link(Struct, frozen=True, kw_only=True):
    """The platform account linked to a Connect user.

    instacartplus_member: the membership is active now.
    express_member: the older name of the same flag, which newer servers may leave out.
    expired_at: end of the current membership period in UTC, None when there is none.
    """

    instacartplus_member: bool
    express_member: bool | None = None
    expired_at: datetime | None = None


# A value that goes into an Authorization header: visible ASCII, RFC 6749 appendix A.12 without the space.
Secret = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]+\Z")]


class Token(Struct, frozen=True, kw_only=True):
    """An access token. Its repr hides the value.

    expires_in: seconds from `created_at`. created_at: seconds since 1970 UTC. scope: None when the server left it out.
    """

    access_token: Secret
    token_type: str
    expires_in: Annotated[int, Meta(le=2**53)]
    created_at: int | None = None
    scope: str | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes one by one; servers separate them by comma or by space."""
        return tuple((self.scope or "").replace(",", " ").split())

    def __repr__(self) -> str:
        return f"Token(access_token={HIDDEN}, expires_in={self.expires_in}, scope={self.scope!r})"


class Introspection(Struct, frozen=True, kw_only=True):
    """What a server tells about a token (RFC 7662 section 2.2). exp and iat: seconds since 1970 UTC."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    token_type: str | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    iss: str | None = None


class ServerMetadata(Struct, frozen=True, kw_only=True):
    """The OAuth endpoints of a server and what they can do (RFC 8414 section 2)."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    introspection_endpoint: str | None = None
    scopes_supported: tuple[str, ...] = ()
    response_types_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


class LinkAnswer(Struct, frozen=True):
    """A link as servers of any age send it."""

    instacartplus_member: bool | None = None
    express_member: bool | None = None
    expired_at: datetime | None = None

    def link(self) -> Link:
        member = self.express_member if self.instacartplus_member is None else self.instacartplus_member
        if member is None:
            raise ValidationError("Object has neither `instacartplus_member` nor `express_member`")
        return Link(instacartplus_member=member, express_member=self.express_member, expired_at=in_utc(self.expired_at))


class Success(Struct, frozen=True):
    """The answer of calls that only act."""

    success: bool


def in_utc(time: datetime | None) -> datetime | None:
    """The documented times are UTC, so one without an offset is read as UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
