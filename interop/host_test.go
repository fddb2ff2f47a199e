//go:build unix

package interop

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// host is a host of either make with its running plugin.
type host interface {
	// facts are what the host knows of the plugin from its line.
	facts() facts
	conn() grpc.ClientConnInterface
	ping(ctx context.Context) error
	// dial reaches what the plugin serves through the broker.
	dial(ctx context.Context, id uint32) (*grpc.ClientConn, error)
	// serve serves through the broker until stop is called.
	serve(register func(grpc.ServiceRegistrar)) (id uint32, stop func(), err error)
	// stop ends the plugin.
	stop() ending
}

// facts are those of a handshake line that a host tells.
type facts struct {
	Version     int
	Network     string
	Address     string
	Certificate bool
	Multiplexed bool
	Pid         int
}

// ending is how a plugin ended.
type ending struct {
	Took   time.Duration
	Exited bool
	Status string // of its process
}

// begin starts the pairing's plugin, or attaches to it, and pings it.
func (p pairing) begin(ctx context.Context, stdout, stderr *gathered) (host, error) {
	if p.Host == theirs {
		return p.beginTheirs(ctx, stdout, stderr)
	}
	return p.beginOurs(ctx, stdout, stderr)
}

// cleanly is the status of a plugin that ended by itself, as our host puts it.
const cleanly = "exited with status 0"
