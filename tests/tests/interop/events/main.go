// A publisher or a subscriber of Go Micro, for the test that has ours on the other side.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"go-micro.dev/v5"
	"go-micro.dev/v5/broker"
	"go-micro.dev/v5/client"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/registry"
	"go-micro.dev/v5/server"
)

type Order struct {
	ID uint64 `json:"id"`
}

// events subscribe TOPIC QUEUE, events publish TOPIC COUNT
func main() {
	mode, topic, rest := os.Args[1], os.Args[2], os.Args[3]
	found := registry.NewMDNSRegistry()
	carried := broker.NewHttpBroker(broker.Registry(found))
	service := micro.NewService(
		micro.Name("go.events."+mode),
		micro.Address("127.0.0.1:0"),
		micro.Registry(found),
		micro.Broker(carried),
	)
	if mode == "subscribe" {
		subscribe(service, topic, rest)
		return
	}
	count, err := strconv.Atoi(rest)
	check(err)
	check(carried.Connect())
	ctx := metadata.NewContext(context.Background(), metadata.Metadata{"Tenant": "acme"})
	for id := 0; id < count; id++ {
		order := &Order{ID: uint64(id)}
		message := service.Client().NewMessage(topic, order, client.WithMessageContentType("application/json"))
		check(service.Client().Publish(ctx, message))
	}
	// Go Micro's broker sends in the background.
	time.Sleep(time.Second)
}

func subscribe(service micro.Service, topic, queue string) {
	handle := func(ctx context.Context, order *Order) error {
		tenant, _ := metadata.Get(ctx, "Tenant")
		fmt.Println(order.ID, tenant)
		return nil
	}
	var options []server.SubscriberOption
	if queue != "" {
		options = append(options, server.SubscriberQueue(queue))
	}
	check(micro.RegisterSubscriber(topic, service.Server(), handle, options...))
	check(service.Server().Start())
	fmt.Println("ready")
	select {}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
