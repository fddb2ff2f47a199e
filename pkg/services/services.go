// Package services holds the gRPC services that every go-plugin plugin
// serves, and the host's half of each: stdio, broker, controller, health and
// reflection (go-plugin contract, section 4).
//
// The services carry the names that go-plugin gives them (plugin.GRPCStdio,
// plugin.GRPCBroker, plugin.GRPCController), but nothing is registered
// globally under the protobuf package plugin: a program may link this package
// and hashicorp/go-plugin side by side.
//
// The go-plugin contract that comments refer to is docs/protocol.md, by sections.
package services

import (
	"strings"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	"github.com/pyvider/rpcplugin/internal/wirename"
)

// Names of the services on the wire.
const (
	// StdioName is the service that streams a plugin's stdout and stderr.
	StdioName = "plugin.GRPCStdio"
	// BrokerName is the service that announces further connections.
	BrokerName = "plugin.GRPCBroker"
	// ControllerName is the service by which a host stops a plugin.
	ControllerName = "plugin.GRPCController"
	// HealthService is the name whose health a host asks for when it pings.
	HealthService = "plugin"
	// ProgramHealth is the name whose health a bridge tells of besides: it is
	// SERVING once the program behind it accepts calls.
	ProgramHealth = "rpcplugin.program"
)

// onWire maps the package of the generated code to go-plugin's.
var onWire = wirename.Rename{From: "rpcplugin.plugin", To: "plugin"}

// Reserved reports whether a method, "/service/method", belongs to one of the
// services that every plugin serves by itself: go-plugin's own, health and
// reflection.
func Reserved(method string) bool {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	switch service {
	case StdioName, BrokerName, ControllerName, healthpb.Health_ServiceDesc.ServiceName,
		reflectionv1.ServerReflection_ServiceDesc.ServiceName, reflectionv1alpha.ServerReflection_ServiceDesc.ServiceName:
		return true
	default:
		return false
	}
}
