package services

import (
	"context"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// Controller is the plugin's half of the controller service: the host's
// request to stop.
type Controller struct {
	pluginpb.UnimplementedGRPCControllerServer

	shutdown func()
}

// NewController returns a Controller that calls shutdown at every request to
// stop. shutdown must not block and not wait for running calls: the host's two
// seconds begin with the answer, and this very call is one of those that run.
func NewController(shutdown func()) *Controller { return &Controller{shutdown: shutdown} }

// Register adds the service to r under its name on the wire.
func (c *Controller) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(onWire.ServiceDesc(pluginpb.GRPCController_ServiceDesc), c)
}

// Shutdown serves the request; gRPC calls it.
func (c *Controller) Shutdown(context.Context, *pluginpb.Empty) (*pluginpb.Empty, error) {
	c.shutdown()
	return &pluginpb.Empty{}, nil
}

// Shutdown is the host's half of the controller service: it asks the plugin
// to stop. The error is a gRPC status; a plugin may be gone before its answer
// arrives, so an Unavailable says little.
func Shutdown(ctx context.Context, cc grpc.ClientConnInterface) error {
	_, err := pluginpb.NewGRPCControllerClient(onWire.Conn(cc)).Shutdown(ctx, &pluginpb.Empty{})
	return err
}
