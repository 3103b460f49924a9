"""Place an order with the generated client, read it back, and print the ids of slot and order."""

import os
import uuid

import connect  # type: ignore[import-not-found]  # generated


def main() -> None:
    user_id = os.environ["USER_ID"]
    configuration = connect.Configuration(host=os.environ["BASE_URL"])
    credentials = connect.ClientCredentialsRequest(
        grant_type="client_credentials",
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        scope="connect:fulfillment",
    )
    with connect.ApiClient(configuration) as client:
        token = connect.OAuthApi(client).create_token(connect.CreateTokenRequest(credentials))
    configuration.access_token = token.access_token
    with connect.ApiClient(configuration) as client:
        slots, orders = connect.TimeSlotsApi(client), connect.OrdersApi(client)
        address = connect.Address(address_line_1="350 W Oak St", postal_code="60610")
        items = [connect.OrderItem(line_num="1", count=2, item=connect.ItemName(rrc="milk"))]
        cart = connect.ListDeliveryRequest(address=address, location_code="here", items=items)
        listed = slots.list_service_options_delivery(user_id, cart).service_options
        slot = next(one for one in listed if one.availability.available)
        hold = slots.create_service_option_hold(user_id, slot.id).service_option_hold
        wanted = connect.CreateDeliveryRequest(
            order_id=f"python-{uuid.uuid4()}", service_option_hold_id=hold.id, address=address, items=items
        )
        order = orders.get_order(user_id, orders.create_order_delivery(user_id, wanted).id)
        print(slot.id, order.id, order.items[0].item.upc)


if __name__ == "__main__":
    main()
