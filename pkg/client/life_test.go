package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	kvproto "github.com/hashicorp/go-plugin/examples/grpc/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// say calls the plugin's Unary.
func say(t testing.TB, conn grpc.ClientConnInterface, message *testpb.Message) *testpb.Message {
	t.Helper()
	reply, err := testpb.NewEchoClient(conn).Unary(soon(t), message)
	noError(t, err)
	return reply
}

func word(text string) *testpb.Message { return &testpb.Message{Payload: []byte(text)} }

func TestPlugins(t *testing.T) {
	for _, test := range []struct {
		name, role, text string
		tls              client.TLS
		network          string
		multiplex        bool
	}{
		{"go-plugin with AutoMTLS", "go-plugin", "1", client.TLSAuto, "unix", false},
		{"go-plugin without TLS", "go-plugin", "1", client.TLSOff, "unix", false},
		{"ours with AutoMTLS", "ours", "", client.TLSAuto, "unix", false},
		{"ours without TLS", "ours", "", client.TLSOff, "unix", false},
		{"ours on tcp with AutoMTLS", "ours", "tcp", client.TLSAuto, "tcp", false},
		{"ours on tcp without TLS", "ours", "tcp", client.TLSOff, "tcp", false},
		{"go-plugin multiplexed with AutoMTLS", "go-plugin", "1", client.TLSAuto, "unix", true},
		{"go-plugin multiplexed without TLS", "go-plugin", "1", client.TLSOff, "unix", true},
		{"ours multiplexed with AutoMTLS", "ours", "", client.TLSAuto, "unix", true},
		{"ours multiplexed without TLS", "ours", "", client.TLSOff, "unix", true},
		{"ours multiplexed on tcp with AutoMTLS", "ours", "tcp", client.TLSAuto, "tcp", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr := newGathered(), newGathered()
			cfg := as(t, test.role, test.text)
			cfg.TLS, cfg.Multiplex, cfg.Stdout, cfg.Stderr = test.tls, test.multiplex, stdout, stderr
			cfg.Env = append(cfg.Env, "KV_DIR="+t.TempDir())
			if test.role == "go-plugin" { // its multiplexer has a data race of its own
				cfg.Env = append(cfg.Env, "GORACE=exitcode=0")
			}
			c := start(t, cfg)
			if line := c.Line(); line.Network != test.network || (line.Certificate != nil) != (test.tls == client.TLSAuto) {
				t.Errorf("line is %+v", line)
			}
			if phases := c.Phases(); phases.Process <= 0 || phases.Line <= 0 || phases.Connect <= 0 {
				t.Errorf("phases are %+v", phases)
			}
			noError(t, c.Ping(soon(t)))
			big := 16 << 20
			if test.role == "go-plugin" {
				big = 3 << 20 // its own servers take 4 MiB
			}
			callAllKinds(t, testpb.NewEchoClient(c.Conn()), big)
			putAndGet(t, kvproto.NewKVClient(c.Conn()))
			callThroughBroker(t, c)
			say(t, c.Conn(), word("print"))
			stdout.waitFor(t, "stdout", func(s string) bool { return s == "out\n" })
			stderr.waitFor(t, "stderr", func(s string) bool { return s == "err\n" })
			if took := closed(t, c); took > client.DefaultStopGrace-200*time.Millisecond {
				t.Errorf("Close took %s: the plugin did not end by itself", took)
			}
			if ended, words := c.LastWords(); ended.Code != 0 || ended.Signal != "" {
				t.Errorf("the plugin %s, %q", ended, words)
			}
		})
	}
}

func callAllKinds(t *testing.T, plugin testpb.EchoClient, big int) {
	t.Helper()
	const count = 50
	reply, err := plugin.Unary(soon(t), &testpb.Message{Payload: make([]byte, big)})
	if err != nil || len(reply.GetPayload()) != big {
		t.Errorf("unary: %d bytes, %v", len(reply.GetPayload()), err)
	}
	serving, err := plugin.Server(soon(t), &testpb.Message{Count: count})
	noError(t, err)
	received := 0
	for {
		_, err := serving.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		noError(t, err)
		received++
	}
	if received != count {
		t.Errorf("server stream brought %d, expected %d", received, count)
	}
	sending, err := plugin.Client(soon(t))
	noError(t, err)
	for i := range count {
		noError(t, sending.Send(word(strconv.Itoa(i%10))))
	}
	if sum, err := sending.CloseAndRecv(); err != nil || string(sum.GetPayload()) != strings.Repeat("0123456789", 5) || sum.GetCount() != count {
		t.Errorf("client stream: %v, %v", sum, err)
	}
	both, err := plugin.Bidi(soon(t))
	noError(t, err)
	for i := range count {
		noError(t, both.Send(word(strconv.Itoa(i))))
		if reply, err := both.Recv(); err != nil || string(reply.GetPayload()) != strconv.Itoa(i) {
			t.Fatalf("both streams: %v, %v", reply, err)
		}
	}
	noError(t, both.CloseSend())
	if _, err := both.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("both streams ended with %v", err)
	}
}

func putAndGet(t *testing.T, store kvproto.KVClient) {
	t.Helper()
	if _, err := store.Put(soon(t), &kvproto.PutRequest{Key: "k", Value: []byte("v")}); err != nil {
		t.Error(err)
	}
	if reply, err := store.Get(soon(t), &kvproto.GetRequest{Key: "k"}); err != nil || string(reply.GetValue()) != "v" {
		t.Errorf("got %q, %v", reply.GetValue(), err)
	}
}

// callThroughBroker calls what the plugin serves and has it call what we serve.
func callThroughBroker(t *testing.T, c *client.Client) {
	t.Helper()
	served := uint32(say(t, c.Conn(), word("serve")).GetCount())
	conn, err := c.Broker().Dial(soon(t), served)
	noError(t, err)
	defer conn.Close()
	if reply := say(t, conn, word("from the host")); string(reply.GetPayload()) != "from the host" {
		t.Errorf("the plugin's brokered service answered %v", reply)
	}
	beCalledThroughBroker(t, c)
}

// beCalledThroughBroker has the plugin call what we serve.
func beCalledThroughBroker(t *testing.T, c *client.Client) {
	t.Helper()
	id := c.Broker().NextID()
	serving, stop := context.WithCancel(soon(t))
	var ended sync.WaitGroup
	ended.Go(func() {
		err := c.Broker().Serve(serving, id, func(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, &echo{}) })
		if err != nil {
			t.Errorf("our brokered service: %v", err)
		}
	})
	defer ended.Wait()
	defer stop()
	if reply := say(t, c.Conn(), &testpb.Message{Payload: []byte("dial"), Count: int32(id)}); string(reply.GetPayload()) != "from the plugin" {
		t.Errorf("the plugin that dialed us answered %v", reply)
	}
}

func TestVersionIsNegotiated(t *testing.T) {
	cfg := as(t, "go-plugin", "5,6")
	cfg.AppVersions = []int{4, 5, 6}
	if version := start(t, cfg).Line().AppVersion; version != 6 {
		t.Errorf("version is %d, expected the highest in common", version)
	}
}

func TestLineWithoutNewline(t *testing.T) {
	cfg := as(t, "no newline", "")
	cfg.TLS = client.TLSOff
	noError(t, start(t, cfg).Ping(soon(t)))
}

func TestNoiseNeverBlocks(t *testing.T) {
	c := start(t, as(t, "ours", ""))
	say(t, c.Conn(), word("noise"))
	noError(t, c.Ping(soon(t)))
}

func TestStderrIsLogged(t *testing.T) {
	logged := newGathered()
	cfg := as(t, "ours", "")
	cfg.Logger = textLogger(logged)
	c := start(t, cfg)
	say(t, c.Conn(), word("warn"))
	logged.waitFor(t, "the warning", func(s string) bool {
		return strings.Contains(s, "level=WARN") && strings.Contains(s, "mind the gap")
	})
}

func TestCrash(t *testing.T) {
	c := start(t, as(t, "ours", ""))
	if _, err := testpb.NewEchoClient(c.Conn()).Unary(soon(t), word("crash")); status.Code(err) != codes.Unavailable {
		t.Errorf("the call ended with %v", err)
	}
	receive(t, "Exited", c.Exited())
	if ended, _ := c.LastWords(); ended.Code != 7 {
		t.Errorf("the plugin %s", ended)
	}
	if took := closed(t, c); took > 1500*time.Millisecond {
		t.Errorf("Close of a dead plugin took %s", took)
	}
	if _, words := c.LastWords(); !slices.Contains(words, "good bye, cruel world") {
		t.Errorf("last words are %q", words)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PLUGIN_CLIENT_CERT", "of the outer host")
	t.Setenv("PLUGIN_MULTIPLEX_GRPC", "true")
	t.Setenv("PLUGIN_OF_MINE", "outer")
	t.Setenv("BASIC_PLUGIN", "outer")
	t.Setenv("ORDINARY", "kept")
	cfg := as(t, "ours", "")
	cfg.TLS = client.TLSOff
	cfg.AppVersions = []int{1, 3}
	cfg.Dir = t.TempDir()
	cfg.Env = append(cfg.Env, "PLUGIN_EXTRA=asked for", "ORDINARY_TOO=given")
	c := start(t, cfg)
	environment := strings.Split(string(say(t, c.Conn(), word("environment")).GetPayload()), "\n")
	for _, want := range []string{
		"ORDINARY=kept", "ORDINARY_TOO=given", "PLUGIN_EXTRA=asked for", "BASIC_PLUGIN=hello",
		"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=1,3",
	} {
		if !slices.Contains(environment, want) {
			t.Errorf("%q is not in the environment", want)
		}
	}
	for _, entry := range environment {
		for _, bad := range []string{"PLUGIN_CLIENT_CERT=", "PLUGIN_MULTIPLEX_GRPC=", "PLUGIN_OF_MINE=", "BASIC_PLUGIN=outer"} {
			if strings.HasPrefix(entry, bad) {
				t.Errorf("%q has come through", entry)
			}
		}
	}
	if dir := string(say(t, c.Conn(), word("directory")).GetPayload()); filepath.Base(dir) != filepath.Base(cfg.Dir) {
		t.Errorf("the working directory is %q, expected %q", dir, cfg.Dir)
	}
}

func TestCloseWithoutAController(t *testing.T) {
	cfg := as(t, "bare", "")
	cfg.TLS = client.TLSOff
	c := start(t, cfg)
	if took := closed(t, c); took > time.Second {
		t.Errorf("Close took %s, expected SIGTERM at once", took)
	}
	if ended, _ := c.LastWords(); ended.Signal != "SIGTERM" {
		t.Errorf("the plugin %s", ended)
	}
}

func TestCloseOfOneThatDoesNotEnd(t *testing.T) {
	for _, role := range []string{"stubborn", "deaf"} {
		t.Run(role, func(t *testing.T) {
			cfg := as(t, role, "")
			cfg.TLS = client.TLSOff
			cfg.StopGrace = 600 * time.Millisecond
			c := start(t, cfg)
			// The grace, half a second for SIGTERM, and a little.
			if took := closed(t, c); took < cfg.StopGrace || took > cfg.StopGrace+1100*time.Millisecond {
				t.Errorf("Close took %s", took)
			}
			if ended, _ := c.LastWords(); ended.Signal != "SIGKILL" {
				t.Errorf("the plugin %s", ended)
			}
		})
	}
	t.Run("in a hurry", func(t *testing.T) {
		cfg := as(t, "stubborn", "")
		cfg.TLS = client.TLSOff
		c := start(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		noError(t, c.Close(ctx))
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %s, expected no waiting", took)
		}
	})
}

func TestCloseWithAGrandchildThatHoldsThePipes(t *testing.T) {
	for _, role := range []string{"parent", "go-plugin's"} {
		t.Run(role, func(t *testing.T) {
			hold, err := net.Listen("unix", filepath.Join(shortDir(t), "h"))
			noError(t, err)
			defer hold.Close()
			c := start(t, as(t, role, hold.Addr().String()))
			grandchild, err := hold.Accept()
			noError(t, err)
			defer grandchild.Close() // this ends it
			if took := closed(t, c); took > 3*time.Second {
				t.Errorf("Close took %s", took)
			}
			// It does outlive the plugin, or nothing was shown.
			_ = grandchild.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := grandchild.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the grandchild: %v, expected it to live", err)
			}
		})
	}
}

// shortDir is a directory whose path leaves room for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "h")
	noError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestCloseTwiceAndAtOnce(t *testing.T) {
	c := start(t, as(t, "ours", ""))
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() {
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
	noError(t, c.Close(context.Background()))
	if err := c.Ping(soon(t)); status.Code(err) != codes.Canceled {
		t.Errorf("a call after Close: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	tidy(t)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			c, err := client.Start(soon(t), as(t, "ours", ""))
			if err != nil {
				t.Error(err)
				return
			}
			text := fmt.Sprint("plugin ", i)
			if reply, err := testpb.NewEchoClient(c.Conn()).Unary(soon(t), word(text)); err != nil || string(reply.GetPayload()) != text {
				t.Errorf("%s: %v, %v", text, reply, err)
			}
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
