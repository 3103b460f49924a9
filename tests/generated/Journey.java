import java.util.List;
import java.util.UUID;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.OAuthApi;
import org.openapitools.client.api.OrdersApi;
import org.openapitools.client.api.TimeSlotsApi;
import org.openapitools.client.model.*;

/** Place an order with the generated client, read it back, and print the ids of slot and order. */
public class Journey {
    public static void main(String[] arguments) throws Exception {
        String user = System.getenv("USER_ID");
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("BASE_URL"));
        ClientCredentialsRequest credentials = new ClientCredentialsRequest()
            .grantType(ClientCredentialsRequest.GrantTypeEnum.CLIENT_CREDENTIALS)
            .clientId(System.getenv("CLIENT_ID"))
            .clientSecret(System.getenv("CLIENT_SECRET"))
            .scope("connect:fulfillment");
        String token = new OAuthApi(client).createToken(new CreateTokenRequest(credentials), null).getAccessToken();
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        TimeSlotsApi slots = new TimeSlotsApi(client);
        OrdersApi orders = new OrdersApi(client);

        Address address = new Address().addressLine1("350 W Oak St").postalCode("60610");
        List<OrderItem> items = List.of(new OrderItem().lineNum("1").count(2).item(new ItemName().rrc("milk")));
        ListDeliveryRequest cart = new ListDeliveryRequest().address(address).locationCode("here").items(items);
        ServiceOption slot = slots.listServiceOptionsDelivery(user, cart, null).getServiceOptions().stream()
            .filter(one -> one.getAvailability().getAvailable())
            .findFirst()
            .orElseThrow();
        Long hold = slots.createServiceOptionHold(user, slot.getId(), null).getServiceOptionHold().getId();
        CreateDeliveryRequest wanted = new CreateDeliveryRequest()
            .orderId("java-" + UUID.randomUUID())
            .serviceOptionHoldId(hold)
            .address(address)
            .items(items);
        String created = orders.createOrderDelivery(user, wanted, null, null).getId();
        GetOrderResponse order = orders.getOrder(user, created, null);
        System.out.println(slot.getId() + " " + order.getId() + " " + order.getItems().get(0).getItem().getUpc());
    }
}
