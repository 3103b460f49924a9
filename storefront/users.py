"""The customers as the platform's Connect users."""

from handcart_client import AsyncClient, BadRequest

from storefront.samples import Customer


async def ensure_user(platform: AsyncClient, customer: Customer) -> None:
    """Create the customer's Connect user, also if it exists, so that the shop need not store who exists.

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
        if error.key != "user_id":  # the key of the refusal of an existing user
            raise


async def attach_address(platform: AsyncClient, customer: Customer, address_line_1: str, postal_code: str) -> str:
    """Check the customer's address; creates the Connect user if needed. Returns the address line for orders."""
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
