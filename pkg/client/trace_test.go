package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// diary notes what a Trace tells.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, fmt.Sprintf(format, args...))
}

// sofar takes the entries since the last call.
func (d *diary) sofar() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	entries := d.entries
	d.entries = nil
	return entries
}

// trace has all hooks write into d.
func (d *diary) trace() *client.Trace {
	dial := func(what string) func(client.DialInfo) {
		return func(i client.DialInfo) { d.note("%s %s %t %v", what, i.Endpoint.Network, i.Took > 0, i.Err) }
	}
	return &client.Trace{
		ProcessStart:   func(command []string) { d.note("process start %d", len(command)) },
		ProcessStarted: func(id string) { d.note("process started %t", id != "") },
		Line:           func(i client.LineInfo) { d.note("line %d %t", i.Line.AppVersion, i.Took > 0) },
		DialStart:      func(e transport.Endpoint) { d.note("dial start %s", e.Network) },
		DialDone:       dial("dial done"),
		TLSStart:       func(at net.Addr) { d.note("TLS start %s", at.Network()) },
		TLSDone: func(i client.TLSInfo) {
			d.note("TLS done %t %t %v", i.State.HandshakeComplete && i.State.Version == tls.VersionTLS13, i.Took > 0, i.Err)
		},
		Ready:         func(p client.Phases) { d.note("ready %t", p.Connect > 0) },
		StateChange:   func(s client.State) { d.note("state %s", s) },
		CallStart:     func(method string) { d.note("call start %s", method) },
		CallDone:      func(i client.CallInfo) { d.note("call done %s %s %t", i.Method, i.Code, i.Took > 0) },
		BrokerAccept:  func(e transport.Endpoint) { d.note("broker accept %s", e.Network) },
		BrokerDial:    dial("broker dial"),
		ShutdownStart: func(grace time.Duration) { d.note("shutdown start %s", grace) },
		ShutdownDone:  func(err error) { d.note("shutdown done %v", err) },
		Terminate:     func(id string) { d.note("terminate %t", id != "") },
		Exited:        func(s client.ExitStatus) { d.note("exited %d %s", s.Code, s.Signal) },
	}
}

func wantEntries(t *testing.T, d *diary, want ...string) {
	t.Helper()
	if got := d.sofar(); !slices.Equal(got, want) {
		t.Errorf("the trace is\n%q, expected\n%q", got, want)
	}
}

func TestTrace(t *testing.T) {
	var d diary
	cfg := as(t, "ours", "")
	cfg.Trace = d.trace()
	c := start(t, cfg)
	wantEntries(t, &d, "process start 1", "process started true", "line 1 true", "dial start unix",
		"dial done unix true <nil>", "TLS start unix", "TLS done true true <nil>", "state ready", "ready true")
	const unary, bidi = testpb.Echo_Unary_FullMethodName, testpb.Echo_Bidi_FullMethodName
	say(t, c.Conn(), word("hello"))
	err := c.Conn().Invoke(soon(t), "/no.Such/Method", new(emptypb.Empty), new(emptypb.Empty))
	if err == nil {
		t.Error("a method that does not exist was called")
	}
	stream, err := testpb.NewEchoClient(c.Conn()).Bidi(soon(t))
	noError(t, err)
	noError(t, stream.CloseSend())
	if _, err := stream.Recv(); err == nil {
		t.Error("the stream did not end")
	}
	noError(t, c.Ping(soon(t)))
	wantEntries(t, &d, "call start "+unary, "call done "+unary+" OK true",
		"call start /no.Such/Method", "call done /no.Such/Method Unimplemented true",
		"call start "+bidi, "call done "+bidi+" OK true")
	callThroughBroker(t, c)
	brokered := d.sofar()
	for _, want := range []string{"broker accept unix", "broker dial unix true <nil>"} {
		if !slices.Contains(brokered, want) {
			t.Errorf("%q is not among %q", want, brokered)
		}
	}
	closed(t, c)
	entries := d.sofar()
	if len(entries) < 2 || entries[0] != "state stopping" || entries[1] != "shutdown start 2s" {
		t.Errorf("the stop begins with %q", entries)
	}
	slices.Sort(entries) // the plugin may be quicker than its answer
	if want := []string{"exited 0 ", "shutdown done <nil>", "shutdown start 2s", "state exited", "state stopping"}; !slices.Equal(entries, want) {
		t.Errorf("the stop is %q, expected %q", entries, want)
	}
}

func TestTraceOfATermination(t *testing.T) {
	var d diary
	cfg := as(t, "bare", "")
	cfg.TLS, cfg.Trace = client.TLSOff, d.trace()
	c := start(t, cfg)
	wantEntries(t, &d, "process start 1", "process started true", "line 1 true",
		"dial start unix", "dial done unix true <nil>", "state ready", "ready true")
	closed(t, c)
	entries := d.sofar()
	if !slices.Contains(entries, "terminate true") || entries[len(entries)-1] != "exited -1 SIGTERM" {
		t.Errorf("the stop is %q", entries)
	}
}

func TestTraceOfAFailedStart(t *testing.T) {
	tidy(t)
	for _, test := range []struct {
		name string
		cfg  client.Config
		want []string
	}{
		{
			"no such command",
			client.Config{Command: []string{"/no/such/command"}},
			[]string{"process start 1", "state stopping", "state exited"},
		},
		{
			"no line", as(t, "exit", "3"),
			[]string{"process start 1", "process started true", "state exited", "exited 3 "},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d diary
			test.cfg.Trace = d.trace()
			if _, err := client.Start(soon(t), test.cfg); err == nil {
				t.Error("it started")
			}
			wantEntries(t, &d, test.want...)
		})
	}
}

func TestStateOfOneThatDies(t *testing.T) {
	states := make(chan client.State, 10)
	cfg := as(t, "ours", "")
	cfg.Trace = &client.Trace{StateChange: func(s client.State) { states <- s }}
	c := start(t, cfg)
	if got := receive(t, "the first change", states); got != client.StateReady || c.State() != client.StateReady {
		t.Errorf("the state is %s, then %s, expected ready", got, c.State())
	}
	_, _ = testpb.NewEchoClient(c.Conn()).Unary(soon(t), word("crash"))
	receive(t, "Exited", c.Exited())
	if c.State() != client.StateExited {
		t.Errorf("the state is %s, expected exited", c.State())
	}
	if got := receive(t, "the last change", states); got != client.StateExited {
		t.Errorf("the change is to %s, expected exited", got)
	}
	noError(t, c.Close(context.Background()))
	if len(states) != 0 {
		t.Errorf("after the end the state became %s", <-states)
	}
}

func TestStateNames(t *testing.T) {
	for state, want := range map[client.State]string{
		client.StateStarting: "starting", client.StateReady: "ready",
		client.StateStopping: "stopping", client.StateExited: "exited",
	} {
		if state.String() != want {
			t.Errorf("state %d is %q, expected %q", state, state, want)
		}
	}
}

func TestMetrics(t *testing.T) {
	for _, multiplex := range []bool{false, true} {
		t.Run(fmt.Sprintf("multiplex=%t", multiplex), func(t *testing.T) {
			cfg := as(t, "ours", "")
			cfg.Multiplex = multiplex
			before := time.Now()
			c := start(t, cfg)
			m := c.Metrics()
			if m.Started.Before(before) || m.Started.After(time.Now()) || m.Phases != c.Phases() || m.Restarts != 0 {
				t.Errorf("metrics are %+v", m)
			}
			if m.Calls.Started != 0 || m.BytesIn == 0 || m.BytesOut == 0 {
				t.Errorf("the start counts as %+v", m)
			}
			plugin := testpb.NewEchoClient(c.Conn())
			callAllKinds(t, plugin, 1<<20)
			now := c.Metrics()
			if calls := now.Calls; calls.Started != 4 || calls.Running != 0 || calls.Failed != 0 || calls.ByCode != nil {
				t.Errorf("four calls count as %+v", calls)
			}
			if now.BytesIn-m.BytesIn < 1<<20 || now.BytesOut-m.BytesOut < 1<<20 || now.BytesOut-m.BytesOut > 2<<20 {
				t.Errorf("a MiB there and back counts as %d in and %d out", now.BytesIn-m.BytesIn, now.BytesOut-m.BytesOut)
			}
			brokeredBytes(t, c)
			failedCalls(t, c)
		})
	}
}

// brokeredBytes calls what the plugin serves, with a MiB.
func brokeredBytes(t *testing.T, c *client.Client) {
	t.Helper()
	conn, err := c.Broker().Dial(soon(t), uint32(say(t, c.Conn(), word("serve")).GetCount()))
	noError(t, err)
	defer conn.Close()
	before := c.Metrics()
	say(t, conn, &testpb.Message{Payload: make([]byte, 1<<20)})
	after := c.Metrics()
	if in, out := after.BytesIn-before.BytesIn, after.BytesOut-before.BytesOut; in < 1<<20 || out < 1<<20 || out > 2<<20 {
		t.Errorf("a brokered MiB counts as %d in and %d out", in, out)
	}
	if after.Calls.Started != before.Calls.Started {
		t.Error("a brokered call counts as one on Conn")
	}
}

// failedCalls has calls fail in every way.
func failedCalls(t *testing.T, c *client.Client) {
	t.Helper()
	before := c.Metrics().Calls
	ctx, cancel := context.WithCancel(soon(t))
	_, err := testpb.NewEchoClient(c.Conn()).Bidi(ctx)
	noError(t, err)
	if running := c.Metrics().Calls.Running; running != 1 {
		t.Errorf("an open stream counts as %d calls that run", running)
	}
	cancel()
	for deadline := time.Now().Add(patience); c.Metrics().Calls.Running != 0; {
		if time.Now().After(deadline) {
			t.Fatal("a stream that was given up runs for ever")
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := testpb.NewEchoClient(c.Conn()).Unary(ctx, word("late")); err == nil {
		t.Error("a call with a context that has ended")
	}
	if _, err := testpb.NewEchoClient(c.Conn()).Server(ctx, word("late")); err == nil {
		t.Error("a stream with a context that has ended")
	}
	err = c.Conn().Invoke(soon(t), "/no.Such/Method", new(emptypb.Empty), new(emptypb.Empty))
	if err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a method that does not exist: %v", err)
	}
	after := c.Metrics().Calls
	if after.Started-before.Started != 4 || after.Running != 0 || after.Failed != 4 ||
		after.ByCode[codes.Canceled] != 3 || after.ByCode[codes.Unimplemented] != 1 {
		t.Errorf("four failures count as %+v, before %+v", after, before)
	}
}

func TestTraceOfARefusedCertificate(t *testing.T) {
	tidy(t)
	var d diary
	cfg := as(t, "impostor", "")
	cfg.Trace = d.trace()
	var failed *client.Error
	if _, err := client.Start(soon(t), cfg); !errors.As(err, &failed) || failed.Reason != client.ReasonTLS {
		t.Fatalf("the start ended with %v", err)
	}
	entries := d.sofar()
	refused := func(entry string) bool {
		return strings.HasPrefix(entry, "TLS done false true ") && !strings.HasSuffix(entry, "<nil>")
	}
	if !slices.ContainsFunc(entries, refused) || slices.Contains(entries, "state ready") {
		t.Errorf("the trace is %q", entries)
	}
}
