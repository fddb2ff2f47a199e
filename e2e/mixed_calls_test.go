//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// mixedKinds are the calls, each as often as it stands here.
var mixedKinds = []struct {
	name  string
	often int
	call  func(*mixedCaller, context.Context) error
}{
	{"unary", 30, (*mixedCaller).unary},
	{"server stream", 12, (*mixedCaller).server},
	{"client stream", 12, (*mixedCaller).client},
	{"ping-pong", 10, (*mixedCaller).pingPong},
	{"flood", 8, (*mixedCaller).flood},
	{"early end", 6, (*mixedCaller).early},
	{"failure", 6, (*mixedCaller).failure},
	{"deadline", 5, (*mixedCaller).deadline},
	{"cancellation", 8, (*mixedCaller).cancellation},
	{"reset", 3, (*mixedCaller).reset},
}

// mixedCaller makes calls, one at a time.
type mixedCaller struct {
	testpb.EchoClient

	random *rand.Rand
	noise  []byte // what payloads are parts of
	header int    // bytes that the child takes in one, at least
	mu     *sync.Mutex
	totals *mixedTotals // as the child is to count them
	made   map[string]int
}

// one makes a call of some kind.
func (c *mixedCaller) one(ctx context.Context) error {
	all := 0
	for _, kind := range mixedKinds {
		all += kind.often
	}
	n := c.random.IntN(all)
	for _, kind := range mixedKinds {
		if n -= kind.often; n < 0 {
			c.mu.Lock()
			c.made[kind.name]++
			c.mu.Unlock()
			if err := kind.call(c, ctx); err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			return nil
		}
	}
	return nil
}

// message is one of some size, up to 3 MB.
func (c *mixedCaller) message() *testpb.Message {
	most := []int{0, 1, 100, 100, 1000, 1000, 5000, 20_000}[c.random.IntN(8)]
	switch c.random.IntN(400) {
	case 0:
		most = 3_000_000
	case 1, 2, 3, 4:
		most = 300_000
	}
	size := c.random.IntN(most + 1)
	from := c.random.IntN(len(c.noise) - size)
	return &testpb.Message{Payload: c.noise[from : from+size]}
}

// mixedCall is one call of the host, and what it expects.
type mixedCall struct {
	caller          *mixedCaller
	opts            []grpc.CallOption
	back            metadata.MD // what is to come back
	header, trailer metadata.MD
	sent, received  *mixedTally
}

// begin makes a call's metadata and options.
func (c *mixedCaller) begin(ctx context.Context, md ...string) (context.Context, *mixedCall) {
	call := &mixedCall{caller: c, back: metadata.MD{}, sent: newMixedTally(), received: newMixedTally()}
	call.opts = []grpc.CallOption{grpc.Header(&call.header), grpc.Trailer(&call.trailer)}
	if c.random.IntN(2) == 0 {
		call.back.Set("x-some-bin", string(c.noise[:c.random.IntN(100)]), "\x00\xff,")
		call.back.Set("x-text", "a, b ~", "c")
	}
	if c.random.IntN(20) == 0 {
		call.back.Set("x-long", strings.Repeat("v", c.random.IntN(c.header)))
	}
	given := metadata.Join(call.back, metadata.Pairs(md...))
	if c.random.IntN(4) == 0 {
		call.opts = append(call.opts, grpc.UseCompressor(gzip.Name))
		given.Set("squeeze", "1")
	}
	return metadata.NewOutgoingContext(ctx, given), call
}

// ended checks what came back, and counts the call as the child does.
func (call *mixedCall) ended(err error) error {
	if err != nil {
		return err
	}
	if err := call.cameBack(); err != nil {
		return err
	}
	// What the host has sent is what the child has received.
	for key, tally := range map[string]*mixedTally{"received": call.sent, "sent": call.received} {
		if got := strings.Join(call.trailer.Get(key), ""); got != tally.String() {
			return fmt.Errorf("the child has %s %q, expected %q", key, got, tally)
		}
	}
	call.caller.mu.Lock()
	defer call.caller.mu.Unlock()
	call.caller.totals.Calls++
	call.caller.totals.Received.add(call.sent)
	call.caller.totals.Sent.add(call.received)
	return nil
}

func (call *mixedCall) cameBack() error {
	for key, want := range call.back {
		for where, md := range map[string]metadata.MD{"header": call.header, "trailer": call.trailer} {
			if key == "x-text" { // Node makes one value of two, as HTTP allows
				if got := strings.Join(md.Get(key), ", "); got != "a, b ~, c" {
					return fmt.Errorf("%s: %q is %q", where, key, got)
				}
			} else if !slices.Equal(md.Get(key), want) {
				return fmt.Errorf("%s: %q is %.100q, expected %.100q", where, key, md.Get(key), want)
			}
		}
	}
	return nil
}

// take notes an answer, which is to be want.
func (call *mixedCall) take(got *testpb.Message, err error, want []byte) error {
	if err != nil {
		return err
	}
	call.received.add(got)
	if string(got.GetPayload()) != string(want) {
		return fmt.Errorf("another payload: %d bytes, expected %d", len(got.GetPayload()), len(want))
	}
	return nil
}

// sent is the error of a sending. The end of a call is none: the receiving tells why.
func sent(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// atEnd checks that nothing more comes.
func atEnd(_ *testpb.Message, err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errors.New("one message too many")
	}
	return err
}

func (c *mixedCaller) unary(ctx context.Context) error {
	ctx, call := c.begin(ctx, "counted", "1")
	m := c.message()
	got, err := c.Unary(ctx, call.sent.add(m), call.opts...)
	return call.ended(call.take(got, err, m.GetPayload()))
}

func (c *mixedCaller) server(ctx context.Context) error {
	ctx, call := c.begin(ctx, "counted", "1")
	m := c.message()
	m.Count = int32(c.random.IntN(6))
	stream, err := c.Server(ctx, call.sent.add(m), call.opts...)
	if err != nil {
		return err
	}
	for range m.GetCount() {
		got, err := stream.Recv()
		if err := call.take(got, err, m.GetPayload()); err != nil {
			return err
		}
	}
	return call.ended(atEnd(stream.Recv()))
}

func (c *mixedCaller) client(ctx context.Context) error {
	ctx, call := c.begin(ctx, "counted", "1")
	stream, err := c.Client(ctx, call.opts...)
	if err != nil {
		return err
	}
	var all []byte
	for range c.random.IntN(6) {
		m := c.message()
		all = append(all, m.GetPayload()...)
		if err := sent(stream.Send(call.sent.add(m))); err != nil {
			return err
		}
	}
	got, err := stream.CloseAndRecv()
	return call.ended(call.take(got, err, all))
}
