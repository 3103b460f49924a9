"""The documented refusals about the platform's own users.

Sources: https://docs.instacart.com/connect/api/sandbox/instacart_users/create_instacart_user,
.../instacart_users/authorize_instacart_user.
"""

from handcart.core.errors import ApiError
from handcart.sign_in.passwords import PasswordRefused


def email_taken() -> ApiError:
    """An account with this e-mail address exists."""
    return ApiError(400, "An account already exists with this email", key="email")


def invalid_user() -> ApiError:
    """No account by that id was made in this sandbox."""
    return ApiError(400, "Invalid user_id", key="user_id")


def password_refused(refused: PasswordRefused) -> ApiError:
    """A password that accounts may not have."""
    return ApiError(400, str(refused), key="password")
