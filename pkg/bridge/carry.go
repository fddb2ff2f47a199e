package bridge

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/h2switch"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// carry is the life of one connection of the host: what every plugin serves goes
// to the local server, all else to the program, frame by frame.
func (b *Bridge) carry(ctx context.Context, host net.Conn, local func(context.Context) (net.Conn, error)) {
	err := h2switch.Serve(ctx, host, h2switch.Config{
		Local:   local,
		Child:   b.program.dial,
		IsLocal: services.Reserved,
		Admit:   b.admit,
		Spoke:   b.program.spoke,
		Refuse:  b.program.refuse,
		Amend:   adviseLimit,
		Limits:  h2switch.Limits{Greeting: b.cfg.ListenTimeout},
		Logger:  b.cfg.log,
	})
	if err != nil && ctx.Err() == nil {
		b.cfg.log.Debug("a connection of the host ended", event.Failed(event.Connection, event.Relay), "error", err)
	}
}

// usualLimit is what every gRPC library takes for one message by default.
const usualLimit = 4 << 20

// adviseLimit adds, to a program's refusal of a call with a message beyond the
// usual limit, what that limit is and who has it. Other answers stay as they
// are.
func adviseLimit(answer *status.Status, largest int64) *status.Status {
	if answer.Code() != codes.ResourceExhausted || largest <= usualLimit {
		return answer
	}
	advised := answer.Proto()
	advised.Message += fmt.Sprintf(" (the call carried a message of %d bytes; gRPC servers take 4 MiB unless the program "+
		"raises that, in Python and Node by the option grpc.max_receive_message_length)", largest)
	return status.FromProto(advised)
}
