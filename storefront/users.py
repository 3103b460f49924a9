"""The customers as the platform's Connect users."""

from handcart_client import AsyncClient, BadRequest

from storefront.samples import Customer


async def ensure_user(platform: AsyncClient, customer: Customer) -> None:
    """Create the customer's Connect user, so that there is nothing to remember about who exists already.

    The phone number is for the shopper: orders are refused without one.
    """
    try:
        await platform.users.create(
            customer.user_id,
            first_name=customer.first_name,
            last_name=customer.last_name,
            phone_number=customer.phone_number,
            locale="en-US",
        )
    except BadRequest as error:
        if error.key != "user_id":  # where an existing user is refused, the refusal names this key
            raise


async def attach_address(platform: AsyncClient, customer: Customer, address_line_1: str, postal_code: str) -> str:
    """Check the customer's address, creating the Connect user if there is none; answers the line to order with."""
    validated = await platform.users.create_with_address(
        customer.user_id,
        address_line_1=address_line_1,
        postal_code=postal_code,
        first_name=customer.first_name,
        last_name=customer.last_name,
        phone_number=customer.phone_number,
        locale="en-US",
    )
    return validated.address_line_1
