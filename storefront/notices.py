"""Every message the shop shows after an action. Nothing that arrives in a query string is ever shown."""

from dataclasses import dataclass

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
        "That answer does not belong to a link you started in this browser, so we did not use it. Please try again."
    ),
    "too_slow": Notice("Linking took too long and the permission ran out. Please try again."),
    "linked_elsewhere": Notice("That {brand} account is already linked to another customer of this shop."),
    "linked_before": Notice("Another {brand} account is linked here already. Unlink it before you link this one."),
    "not_active": Notice("Your customer record at {brand} is closed. Please contact our customer care."),
    "unreachable": Notice(
        "We could not reach {brand} to finish linking."
        " If your account is not shown as linked below, please try again in a few minutes."
    ),
    "failed": Notice("Your {brand} account could not be linked. Please try again, or contact our customer care."),
}


def notice_for(key: str | None, settings: Settings) -> Notice | None:
    """The message of a key, with the platform's name filled in; None when there is nothing to say."""
    if key is None or key not in NOTICES:
        return None
    notice = NOTICES[key]
    return Notice(notice.text.format(brand=settings.brand), notice.is_success)
