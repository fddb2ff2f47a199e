// Package services holds the gRPC services that every go-plugin plugin
// serves, and the host's half of each: stdio, broker, controller, health and
// reflection (go-plugin contract, section 4).
//
// The services carry the names that go-plugin gives them (plugin.GRPCStdio,
// plugin.GRPCBroker, plugin.GRPCController), but nothing is registered
// globally under the protobuf package plugin: a program may link this package
// and hashicorp/go-plugin side by side.
package services

import (
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
