"""All messages that the shop shows after an action. Texts from a query string are never shown."""

from dataclasses import dataclass

from markupsafe import Markup

from storefront.settings import Settings


@dataclass(frozen=True)
class Notice:
    text: str
    is_success: bool = False


NOTICES = {
    "linked": Notice("Your {brand} account is linked. Welcome!", is_success=True),
    "signed_out": Notice("You are signed out.", is_success=True),
    "denied": Notice("You chose not to link your {brand} account. Nothing was changed."),
    "not_started_here": Notice(
        "That link was not started in this browser, so we did not link your account. Please try again."
    ),
    "too_slow": Notice("Linking took too long and the permission expired. Please try again."),
    "linked_elsewhere": Notice(
        "That {brand} account is already linked to another customer of this shop."
        " Unlink it on your {account_page}, or use another account."
    ),
    "linked_before": Notice(
        "Another {brand} account is linked here already. Unlink it on your {account_page} before you link this one."
    ),
    "not_active": Notice("Your customer record at {brand} is closed. Please contact our customer care."),
    "unreachable": Notice(
        "We could not reach {brand} to finish linking."
        " If your account is not shown as linked below, please try again in a few minutes."
    ),
    "address_refused": Notice("We could not find that address. Please check the street and the number."),
    "address_too_far": Notice(
        "This store does not deliver to that address. Check the address, or choose another store or pickup."
    ),
    "store_closed": Notice("This store cannot take your order at the moment. Please choose another one."),
    "items_refused": Notice("The store cannot provide everything in your cart. Remove the marked items to continue."),
    "too_much": Notice("That is too much for one order. Please take less, or split it into two orders."),
    "slot_gone": Notice("That time is no longer available. Please choose another one."),
    "not_of_age": Notice(
        "Your cart contains alcohol, which we hand over only to adults of legal age."
        " Check the date of birth, or remove the alcohol from the cart."
    ),
    "phone_refused": Notice("Shoppers could not call you on your phone number. Please contact our customer care."),
    "price_changed": Notice("Your total has changed since you last saw it. Please check it and order again."),
    "ordering_unreachable": Notice(
        "We could not reach {brand}. Please try again in a minute: you order only once, even if you try several times."
    ),
    "ordering_failed": Notice("That did not work. Please try again, or contact our customer care."),
    "placed": Notice("Thank you! Your order is placed.", is_success=True),
    "changed": Notice("Your order is changed.", is_success=True),
    "moved": Notice("Your order has its new time.", is_success=True),
    "canceled": Notice("Your order is canceled. You pay nothing.", is_success=True),
    "too_late": Notice(
        "A shopper has already taken your order, so it can no longer be changed here."
        " Please call the store if something is wrong."
    ),
    "message_sent": Notice("Your shopper has your message.", is_success=True),
    "nothing_written": Notice("Write something to your shopper first."),
    "chat_closed": Notice("Nobody can read your message now. Please call the store."),
    "answered": Notice("Your shopper knows what you want.", is_success=True),
    "answered_before": Notice("That replacement was answered before, or your shopper has moved on."),
    "rated": Notice("Thank you for your rating.", is_success=True),
    "no_stars": Notice("Choose how it was first."),
    "nothing_left": Notice("An order needs at least one item. To take everything out, cancel the order."),
    "failed": Notice("Your {brand} account could not be linked. Please try again, or contact our customer care."),
}


def notice_for(key: str | None, settings: Settings) -> Notice | None:
    """The message of a key, with the platform's name and page filled in; None for an unknown or missing key."""
    if key is None or key not in NOTICES:
        return None
    notice = NOTICES[key]
    text = Markup(notice.text).format(brand=settings.brand, account_page=account_page(settings))  # noqa: S704 (ours)
    return Notice(text, notice.is_success)


def account_page(settings: Settings) -> Markup:
    """The name of the page where customers unlink, with a link to it if its URL is known."""
    name = f"{settings.brand} account page"
    if settings.account_url is None:
        return Markup.escape(name)
    return Markup('<a href="{}">{}</a>').format(settings.account_url, name)
