"""What the templates of sign-in, of a new password and of a wait need."""

from typing import Any

_TWO_HOURS = 7200


def sign_in(email: str, retry_after: int | None) -> dict[str, Any]:
    """The context of `sign_in/form.html`, and the status of its page.

    `retry_after`: None at first, 0 after wrong credentials, else the seconds to wait.
    """
    is_limited = bool(retry_after)
    return {
        "status": 200 if retry_after is None else (429 if is_limited else 401),
        "email": email,
        "error": None if retry_after is None else ("rate_limited" if is_limited else "credentials"),
        **wait(retry_after or 0),
    }


def change_password(path: str, error: str | None, retry_after: int) -> dict[str, Any]:
    """The context of `accounts/password.html`, and the status of its page, for the person whose own page is at `path`.

    `error`: why a new password was refused; `retry_after`: the seconds to wait after wrong current ones, else 0.
    """
    return {
        "status": 200 if error is None else (429 if retry_after else 400),
        "action": f"{path}/password",
        "error": error,
        **wait(retry_after),
        "account_url": path,
    }


def wait(seconds: int) -> dict[str, Any]:
    """The context of `sign_in/wait.html`: minutes; over two hours, also hours."""
    hours = -(-seconds // 3600) if seconds > _TWO_HOURS else 0
    return {"wait_minutes": -(-seconds // 60), "wait_hours": hours}
