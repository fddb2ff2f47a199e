//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/wirename"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

// The examples that go-plugin has published are a store of values (grpc), and a
// counter that calls its host back (bidirectional): put(key, n) adds n to what
// was put before, and it is the host that adds. For the host of the first see
// TestExampleHostOfGoPlugin.

// attachTo starts one of the published plugins with our host.
func (s *sandbox) attachTo(plugin string) *client.Client {
	s.Helper()
	c, err := client.Start(context.Background(), client.Config{
		Command: []string{tool(s, plugin)}, Cookie: kv.Cookie(), Environ: s.environ, Dir: s.project, StartTimeout: patience,
	})
	s.try(err)
	s.Cleanup(func() { s.try(c.Close(context.Background())) })
	return c
}

// detach ends it, and checks that it has ended by itself.
func (s *sandbox) detach(c *client.Client) {
	s.Helper()
	began := time.Now()
	s.try(c.Close(context.Background()))
	if status, words := c.LastWords(); status.Code != 0 || time.Since(began) > client.DefaultStopGrace {
		s.Errorf("after %s the plugin %s: %q", time.Since(began), status, words)
	}
}

// Our host stores a value with one plugin and gets it back from the next.
func TestPublishedStore(t *testing.T) {
	s := newSandbox(t)
	store := func(c *client.Client) kvpb.KVClient {
		return kvpb.NewKVClient(wirename.Rename{From: "rpcplugin.kv", To: "proto"}.Conn(c.Conn()))
	}
	first := s.attachTo("kv-plugin")
	_, err := store(first).Put(t.Context(), &kvpb.PutRequest{Key: "greeting", Value: []byte("hello")})
	s.try(err)
	s.detach(first)
	second := s.attachTo("kv-plugin")
	reply, err := store(second).Get(t.Context(), &kvpb.GetRequest{Key: "greeting"})
	s.try(err)
	const want = "hello\n\nWritten from plugin-go-grpc" // which the plugin adds
	if got := string(reply.GetValue()); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	s.detach(second)
	s.expectNothingLeft()
}

// The published counter has our host add, which adds 100 more, so that it is
// seen that nobody else does.
func TestPublishedCounter(t *testing.T) {
	s := newSandbox(t)
	m := counterMessages(s)
	c := s.attachTo("counter-plugin")
	for round := range 2 {
		id := c.Broker().NextID()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- c.Broker().Serve(ctx, id, func(r grpc.ServiceRegistrar) {
				r.RegisterService(m.service("AddHelper", method{"Sum", "SumRequest", func(_ context.Context, in *message) (*message, error) {
					return m.make("SumResponse").set("r", in.int("a")+in.int("b")+100), nil
				}}), nil)
			})
		}()
		request := m.make("PutRequest").set("add_server", id).set("key", "visits").set("value", int64(round+1))
		s.try(c.Conn().Invoke(ctx, "/proto.Counter/Put", request, m.make("Empty")))
		cancel()
		s.try(<-served)
	}
	reply := m.make("GetResponse")
	s.try(c.Conn().Invoke(t.Context(), "/proto.Counter/Get", m.make("GetRequest").set("key", "visits"), reply))
	if got := reply.int("value"); got != 203 {
		t.Errorf("got %d, expected 203", got)
	}
	s.detach(c)
	s.expectNothingLeft()
}

// The published host of the counter with a plugin of ours.
func TestPublishedCounterHost(t *testing.T) {
	if os.Getenv(counterVariable) != "" {
		playCounter(t)
		return
	}
	s := newSandbox(t)
	self, err := os.Executable()
	s.try(err)
	s.set(counterVariable+"=1", "COUNTER_PLUGIN=exec "+self+" -test.run='^TestPublishedCounterHost$'")
	host := tool(t, "counter-host")
	s.run(host, "put", "visits", "2").ok()
	s.run(host, "put", "visits", "40").ok()
	if got := s.run(host, "get", "visits").ok().stdout; got != "42\n" {
		t.Errorf("got %q, expected %q", got, "42\n")
	}
	s.run(host, "get", "missing").exited(1).says("nothing was counted for missing")
	s.expectNothingLeft()
}

// counterVariable makes a plugin of this test binary.
const counterVariable = "E2E_COUNTER"

// playCounter is a plugin that counts in files of its working directory.
func playCounter(t *testing.T) {
	m := counterMessages(t)
	err := server.Serve(t.Context(), server.Config{
		Cookie: kv.Cookie(),
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			r.RegisterService(m.service("Counter",
				method{"Get", "GetRequest", func(_ context.Context, in *message) (*message, error) {
					value, err := count(in.text("key"))
					if errors.Is(err, fs.ErrNotExist) {
						err = errors.New("nothing was counted for " + in.text("key"))
					}
					return m.make("GetResponse").set("value", value), err
				}},
				method{"Put", "PutRequest", func(ctx context.Context, in *message) (*message, error) {
					before, err := count(in.text("key"))
					if err != nil && !errors.Is(err, fs.ErrNotExist) {
						return nil, err
					}
					conn, err := s.Broker().Dial(ctx, uint32(in.field("add_server").Uint()))
					if err != nil {
						return nil, err
					}
					defer conn.Close()
					sum := m.make("SumResponse")
					if err := conn.Invoke(ctx, "/proto.AddHelper/Sum", m.make("SumRequest").set("a", before).set("b", in.int("value")), sum); err != nil {
						return nil, err
					}
					return m.make("Empty"), os.WriteFile("count_"+in.text("key"), strconv.AppendInt(nil, sum.int("r"), 10), 0o600)
				}}), nil)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// count reads what was counted for a key.
func count(key string) (int64, error) {
	data, err := os.ReadFile("count_" + key)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(data), 10, 64)
}
