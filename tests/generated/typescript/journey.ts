// Place an order with the generated client, read it back, and print the ids of slot and order.
import { randomUUID } from "node:crypto";
import { env } from "node:process";
import { Configuration, OAuthApi, OrdersApi, TimeSlotsApi } from "./client/index.js";

const basePath = env.BASE_URL!;
const userId = env.USER_ID!;
const token = await new OAuthApi(new Configuration({ basePath })).createToken({
  createTokenRequest: {
    grantType: "client_credentials",
    clientId: env.CLIENT_ID!,
    clientSecret: env.CLIENT_SECRET!,
    scope: "connect:fulfillment",
  },
});
const configuration = new Configuration({ basePath, accessToken: token.accessToken });
const slots = new TimeSlotsApi(configuration);
const orders = new OrdersApi(configuration);

const address = { addressLine1: "350 W Oak St", postalCode: "60610" };
const items = [{ lineNum: "1", count: 2, item: { rrc: "milk" } }];
const cart = { address, locationCode: "here", items };
const { serviceOptions } = await slots.listServiceOptionsDelivery({ userId, listDeliveryRequest: cart });
const slot = serviceOptions.find((one) => one.availability.available)!;
const { serviceOptionHold } = await slots.createServiceOptionHold({ userId, serviceOptionId: slot.id });
const created = await orders.createOrderDelivery({
  userId,
  createDeliveryRequest: {
    orderId: `typescript-${randomUUID()}`,
    serviceOptionHoldId: serviceOptionHold.id,
    address,
    items,
  },
});
const order = await orders.getOrder({ userId, orderId: created.id });
console.log(slot.id, order.id, order.items![0].item.upc);
