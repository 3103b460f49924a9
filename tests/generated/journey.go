// Place an order with the generated client, read it back, and print the ids of slot and order.
package main

import (
	"connect"
	"context"
	"fmt"
	"os"
	"time"
)

func main() {
	user := os.Getenv("USER_ID")
	configuration := connect.NewConfiguration()
	configuration.Servers = connect.ServerConfigurations{{URL: os.Getenv("BASE_URL")}}
	client := connect.NewAPIClient(configuration)
	credentials := connect.NewClientCredentialsRequest("client_credentials", os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET"))
	credentials.SetScope("connect:fulfillment")
	wanted := connect.CreateTokenRequest{ClientCredentialsRequest: credentials}
	token, _, err := client.OAuthAPI.CreateToken(context.Background()).CreateTokenRequest(wanted).Execute()
	check(err)
	caller := context.WithValue(context.Background(), connect.ContextAccessToken, token.AccessToken)

	address := connect.NewAddress("350 W Oak St", "60610")
	product := connect.NewItemName()
	product.SetRrc("milk")
	line := connect.NewOrderItem("1", *product)
	line.SetCount(2)
	items := []connect.OrderItem{*line}
	cart := connect.NewListDeliveryRequest(*address, "here", items)
	listed, _, err := client.TimeSlotsAPI.ListServiceOptionsDelivery(caller, user).ListDeliveryRequest(*cart).Execute()
	check(err)
	var slot connect.ServiceOption
	for _, one := range listed.ServiceOptions {
		if one.Availability.Available {
			slot = one
			break
		}
	}
	hold, _, err := client.TimeSlotsAPI.CreateServiceOptionHold(caller, user, slot.Id).Execute()
	check(err)
	id := fmt.Sprintf("go-%d", time.Now().UnixNano())
	delivery := connect.NewCreateDeliveryRequest(id, hold.ServiceOptionHold.Id, *address, items)
	created, _, err := client.OrdersAPI.CreateOrderDelivery(caller, user).CreateDeliveryRequest(*delivery).Execute()
	check(err)
	order, _, err := client.OrdersAPI.GetOrder(caller, user, created.Id).Execute()
	check(err)
	fmt.Println(slot.Id, order.Id, order.Items[0].Item.GetUpc())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
