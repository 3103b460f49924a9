"""The shop's sample customers. A real shop reads them from a database."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Customer:
    """A customer of the shop. `user_id`: their Connect user id, chosen by the shop; `phone_number`: E.164."""

    key: str
    name: str
    first_name: str
    last_name: str
    user_id: str
    phone_number: str


CUSTOMERS = {
    customer.key: customer
    for customer in (
        Customer("one", "Customer one", "Customer", "One", "sample-customer-1", "+13125550188"),
        Customer("two", "Customer two", "Customer", "Two", "sample-customer-2", "+13125550189"),
    )
}

DELIVERY_FEE_CENTS = 799
