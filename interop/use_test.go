//go:build unix

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// deed is something that a host does with a plugin.
type deed struct {
	name string
	do   func(context.Context) error
}

// user does all that a host can do.
type user struct {
	host

	echo           testpb.EchoClient
	stdout, stderr *gathered
}

// deeds are all, in an order. A host that is not the first has neither broker
// nor output.
func (u *user) deeds(again bool) []deed {
	deeds := []deed{
		{"ping", u.ping},
		{"unary", u.unary},
		{"server stream", u.serverStream},
		{"client stream", u.clientStream},
		{"bidi stream", u.bidiStream},
	}
	if again {
		return deeds
	}
	return append(deeds,
		deed{"stdio", u.stdio},
		deed{"the plugin serves, the host dials", u.dialPlugin},
		deed{"the host serves, the plugin dials", u.servePlugin},
		deed{"the plugin serves again", u.dialPlugin},
		deed{"the host serves again", u.servePlugin},
	)
}

const messages = 50

func (u *user) unary(ctx context.Context) error {
	payload := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	reply, err := u.echo.Unary(ctx, &testpb.Message{Payload: payload})
	return wantPayload(reply, err, payload)
}

func (u *user) serverStream(ctx context.Context) error {
	stream, err := u.echo.Server(ctx, &testpb.Message{Payload: []byte("x"), Count: messages})
	if err != nil {
		return err
	}
	for n := range messages {
		reply, err := stream.Recv()
		if err != nil || int(reply.GetCount()) != n {
			return fmt.Errorf("message %d is number %d: %w", n, reply.GetCount(), err)
		}
	}
	return wantEnd(stream.Recv())
}

func (u *user) clientStream(ctx context.Context) error {
	stream, err := u.echo.Client(ctx)
	if err != nil {
		return err
	}
	var all []byte
	for n := range messages {
		payload := fmt.Append(nil, n)
		all = append(all, payload...)
		if err := stream.Send(&testpb.Message{Payload: payload}); err != nil {
			return err
		}
	}
	reply, err := stream.CloseAndRecv()
	return wantPayload(reply, err, all)
}

func (u *user) bidiStream(ctx context.Context) error {
	stream, err := u.echo.Bidi(ctx)
	if err != nil {
		return err
	}
	for n := range messages {
		payload := fmt.Append(nil, n)
		if err := stream.Send(&testpb.Message{Payload: payload}); err != nil {
			return err
		}
		reply, err := stream.Recv()
		if err := wantPayload(reply, err, payload); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return wantEnd(stream.Recv())
}

// stdio has the plugin print and waits for all of it.
func (u *user) stdio(ctx context.Context) error {
	if _, err := u.echo.Unary(ctx, &testpb.Message{Payload: []byte("print")}); err != nil {
		return err
	}
	return errors.Join(u.stdout.waitFor(ctx, "stdout"), u.stderr.waitFor(ctx, "stderr"))
}

func (u *user) dialPlugin(ctx context.Context) error {
	served, err := u.echo.Unary(ctx, &testpb.Message{Payload: []byte("serve")})
	if err != nil {
		return err
	}
	conn, err := u.dial(ctx, uint32(served.GetCount()))
	if err != nil {
		return err
	}
	defer conn.Close()
	want := []byte("from the host")
	reply, err := testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: want}, grpc.WaitForReady(true))
	return wantPayload(reply, err, want)
}

func (u *user) servePlugin(ctx context.Context) error {
	id, stop, err := u.serve(func(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, &echo{}) })
	if err != nil {
		return err
	}
	defer stop()
	reply, err := u.echo.Unary(ctx, &testpb.Message{Payload: []byte("dial"), Count: int32(id)})
	return wantPayload(reply, err, []byte("from the plugin"))
}

func wantPayload(reply *testpb.Message, err error, want []byte) error {
	if err == nil && !bytes.Equal(reply.GetPayload(), want) {
		return fmt.Errorf("answered %.40q, expected %.40q", reply.GetPayload(), want)
	}
	return err
}

// wantEnd checks that a stream has ended well.
func wantEnd(extra *testpb.Message, err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("one more message: %.40q", extra.GetPayload())
	}
}

// gathered is a writer that tells when all is there that a plugin prints.
type gathered struct {
	mu      sync.Mutex
	data    []byte
	changed chan struct{}
}

func newGathered() *gathered { return &gathered{changed: make(chan struct{})} }

func (g *gathered) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.data = append(g.data, data...)
	close(g.changed)
	g.changed = make(chan struct{})
	return len(data), nil
}

// waitFor waits until what the plugin prints on that channel is there, and
// checks it.
func (g *gathered) waitFor(ctx context.Context, channel string) error {
	want := printed(channel)
	for {
		g.mu.Lock()
		data, changed := g.data, g.changed
		g.mu.Unlock()
		if len(data) >= len(want) {
			return wantPrinted(channel, data)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s: %d bytes came, expected %d", channel, len(data), len(want))
		}
	}
}

// wantPrinted checks all that came on a channel.
func wantPrinted(channel string, data []byte) error {
	want := printed(channel)
	if bytes.Equal(data, want) {
		return nil
	}
	same := 0
	for same < min(len(data), len(want)) && data[same] == want[same] {
		same++
	}
	return fmt.Errorf("%s: %d bytes came, expected %d; the first %d are right", channel, len(data), len(want), same)
}

func (g *gathered) all() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.data
}

// deedTime bounds one deed.
const deedTime = patience / 2
