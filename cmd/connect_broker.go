package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// brokerCommand shows announcements.
type brokerCommand struct {
	For  time.Duration `default:"2s" help:"How long to listen; 0s is until the plugin ends, or Ctrl-C."`
	Call string        `placeholder:"METHOD" help:"Call a method meanwhile: many plugins announce only when they are called."`
	Data string        `short:"d" default:"{}" placeholder:"JSON" help:"Request of --call; @ reads stdin, @FILE a file."`
}

// announcement is the JSON form of what a plugin announces.
type announcement struct {
	ID      uint32 `json:"id"`
	Network string `json:"network,omitempty"`
	Address string `json:"address,omitempty"`
	Knock   bool   `json:"knock,omitempty"`
	Ack     bool   `json:"ack,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Run starts the plugin and listens.
func (b *brokerCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	if err := checkDuration("--for", b.For); err != nil {
		return err
	}
	source, err := openData(b.Data, p.Stdin)
	if err != nil {
		return err
	}
	var one sync.Mutex
	heard := false
	told := func(info *pluginpb.ConnInfo) {
		one.Lock()
		defer one.Unlock()
		heard = true
		announced(info).show(p, f.Output)
	}
	need := needs{sources: b.Call != "", adjust: func(config *client.Config, _ *handshake.Reattach) {
		config.DialOptions = append(config.DialOptions, grpc.WithChainStreamInterceptor(tapBroker(told)))
	}}
	return f.within(ctx, p, g, command, need, func(ctx context.Context, s *session) error {
		if b.Call != "" {
			var flags callFlags
			caller, err := flags.caller(&Program{Stdout: p.Stderr, Stderr: p.Stderr, LookupEnv: p.LookupEnv}, g, "text")
			if err == nil {
				err = caller.call(ctx, s, b.Call, source)
			}
			if err != nil {
				return err
			}
		}
		err := b.listen(ctx, s)
		one.Lock()
		defer one.Unlock()
		if err == nil && !heard {
			fmt.Fprintln(p.Stderr, "nothing was announced; many plugins announce only when they are called: see --call, and --for")
		}
		return err
	})
}

func (b *brokerCommand) listen(ctx context.Context, s *session) error {
	var over <-chan time.Time
	if b.For > 0 {
		bound := time.NewTimer(b.For)
		defer bound.Stop()
		over = bound.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.Exited():
	case <-over:
	}
	return nil
}

func announced(info *pluginpb.ConnInfo) announcement {
	return announcement{
		ID: info.GetServiceId(), Network: info.GetNetwork(), Address: info.GetAddress(),
		Knock: info.GetKnock().GetKnock(), Ack: info.GetKnock().GetAck(), Error: info.GetKnock().GetError(),
	}
}

func (a announcement) show(p *Program, output string) {
	switch {
	case output == "json":
		_ = json.NewEncoder(p.Stdout).Encode(a)
	case a.Error != "":
		fmt.Fprintf(p.Stdout, "id %d  refused: %s\n", a.ID, a.Error)
	case a.Ack:
		fmt.Fprintf(p.Stdout, "id %d  answers a knock\n", a.ID)
	case a.Knock:
		fmt.Fprintf(p.Stdout, "id %d  knocks\n", a.ID)
	default:
		fmt.Fprintf(p.Stdout, "id %d  %s  %s\n", a.ID, a.Network, a.Address)
	}
}

// tapBroker tells of what the broker's stream brings: there is one in a
// plugin's life, and it is the client's.
func tapBroker(told func(*pluginpb.ConnInfo)) grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, desc, cc, method, options...)
		if err != nil || method != "/"+services.BrokerName+"/StartStream" {
			return stream, err
		}
		return tappedStream{ClientStream: stream, told: told}, nil
	}
}

// tappedStream is a stream of announcements that somebody listens to.
type tappedStream struct {
	grpc.ClientStream
	told func(*pluginpb.ConnInfo)
}

// RecvMsg receives as the stream does.
func (t tappedStream) RecvMsg(message any) error {
	err := t.ClientStream.RecvMsg(message)
	if info, ok := message.(*pluginpb.ConnInfo); ok && err == nil {
		t.told(info)
	}
	return err
}
