"""Refusals about shoppers: of the Connect API, and of the operator's changes.

Source: https://docs.instacart.com/connect/api/sandbox/shoppers/create_shopper
"""

from handcart.core.errors import ApiError, Refused


class ShopperRefused(Refused):
    """A change of one of the operator's shoppers is refused. `reason` names the sentence, for pages."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class PinWrong(Exception):
    """A wrong PIN; `left` is the number of tries before the device ends."""

    def __init__(self, left: int) -> None:
        super().__init__("wrong PIN")
        self.left = left


class DeviceEnded(Exception):
    """The session of the device has ended, for example by too many wrong PINs."""


def phone_taken() -> ApiError:
    """Another shopper has that phone number."""
    return ApiError(400, "An account already exists with this number", key="phone")


def invalid_email() -> ApiError:
    """Not an e-mail address."""
    return ApiError(400, "Invalid email", key="email")


def invalid_phone() -> ApiError:
    """Not a phone number."""
    return ApiError(400, "Invalid phone number", key="phone")


def shopper_not_found() -> ApiError:
    """No shopper by that id at this retailer, named in the path."""
    return ApiError(404, "Resource not found", 4000)


def phone_in_use() -> ShopperRefused:
    """Another open shopper of the operator has that phone number."""
    return ShopperRefused("phone_in_use", "another shopper has this phone number")


def unknown(shopper: str) -> ShopperRefused:
    """No open shopper has this id or phone number."""
    return ShopperRefused("unknown", f"there is no open shopper {shopper!r}: `handcart shopper list` shows all")


def no_store(name: str) -> ShopperRefused:
    """No retailer has this store."""
    sentence = f"there is no store {name!r}: write the retailer's slug and the location code, such as corner-market/s1"
    return ShopperRefused("home_store", sentence)
