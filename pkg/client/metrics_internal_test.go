package client

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func answers(err error) grpc.UnaryInvoker {
	return func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return err }
}

func TestCountingAllocatesNothing(t *testing.T) {
	c := &Client{cfg: Config{}.withDefaults()}
	answer := answers(nil)
	if n := testing.AllocsPerRun(100, func() {
		_ = c.interceptUnary(t.Context(), "/a.B/C", nil, nil, nil, answer)
	}); n != 0 {
		t.Errorf("a call that nobody traces costs %v allocations", n)
	}
	if calls := c.calls.snapshot(); calls.Started != 101 || calls.Running != 0 {
		t.Errorf("101 calls count as %+v", calls)
	}
}

func TestCodesBeyondTheKnownOnesAreCounted(t *testing.T) {
	c := &Client{cfg: Config{}.withDefaults()}
	for _, code := range []codes.Code{codes.Unauthenticated, 17, 1<<32 - 1} {
		_ = c.interceptUnary(t.Context(), "/a.B/C", nil, nil, nil, answers(status.Error(code, "")))
	}
	if calls := c.calls.snapshot(); calls.Failed != 3 || calls.ByCode[codes.Unauthenticated] != 1 || calls.ByCode[codes.Unknown] != 2 {
		t.Errorf("the failures count as %+v", calls)
	}
}

func TestCallsOfTheProtocolAreNotCounted(t *testing.T) {
	c := &Client{cfg: Config{}.withDefaults()}
	for _, method := range []string{
		"/plugin.GRPCStdio/StreamStdio", "/plugin.GRPCBroker/StartStream", "/plugin.GRPCController/Shutdown", "/grpc.health.v1.Health/Check",
	} {
		_ = c.interceptUnary(t.Context(), method, nil, nil, nil, answers(nil))
	}
	if started := c.calls.snapshot().Started; started != 0 {
		t.Errorf("%d calls were counted", started)
	}
	for _, method := range []string{"/plugin.GRPCStdioToo/Call", "/plugin.Mine/Call", "/grpc.health.v1.Health/List"} {
		_ = c.interceptUnary(t.Context(), method, nil, nil, nil, answers(nil))
	}
	if started := c.calls.snapshot().Started; started != 3 {
		t.Errorf("%d calls were counted, expected 3", started)
	}
}

// BenchmarkCount is what counting adds to a call.
func BenchmarkCount(b *testing.B) {
	for name, trace := range map[string]*Trace{"alone": nil, "traced": {CallStart: func(string) {}, CallDone: func(CallInfo) {}}} {
		b.Run(name, func(b *testing.B) {
			c := &Client{cfg: Config{Trace: trace}.withDefaults()}
			answer := answers(nil)
			b.ReportAllocs()
			for b.Loop() {
				_ = c.interceptUnary(b.Context(), "/a.B/C", nil, nil, nil, answer)
			}
		})
	}
}
