// Host is a small host for plugins: it starts the key-value plugin that it is
// told to, stores a value and reads it back, and shows what happens meanwhile.
//
//	go build -o /tmp/kv github.com/hashicorp/go-plugin/examples/grpc/plugin-go-grpc
//	go run ./examples/go/host /tmp/kv
//
// Any plugin with the service proto.KV and go-plugin's example cookie will do,
// in whatever language it is written.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

func main() {
	// The plugin does not see Ctrl-C: it has a process group of its own, and is
	// stopped by this program in an orderly way.
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	release()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "error:", err)
	// Errors know what to do about them, and the plugin's last words.
	var advice interface{ Hint() string }
	if errors.As(err, &advice) && advice.Hint() != "" {
		fmt.Fprintln(os.Stderr, "hint:", advice.Hint())
	}
	os.Exit(1)
}

// run is the program without its exit.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("host", flag.ContinueOnError)
	key := flags.String("key", "greeting", "the key to store the value under")
	value := flags.String("value", "hello", "the value to store")
	plain := flags.Bool("plain", false, "connect without TLS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no plugin given, expected: host [flags] plugin [arguments]")
	}

	// Command and Cookie are what a plugin needs. Both sides know the cookie; it
	// keeps people from running a plugin by hand. All else has a default.
	cfg := client.Config{
		Command: flags.Args(),
		Cookie:  handshake.Cookie{Key: "BASIC_PLUGIN", Value: "hello"},
		// What the plugin prints comes to us over the connection.
		Stdout: prefixed{out, "stdout: "},
		Stderr: prefixed{out, "stderr: "},
		Trace:  phases(out, time.Now()),
	}
	if *plain {
		cfg.TLS = client.TLSOff
	}

	// When Start returns, the plugin has answered: address and certificates are
	// right.
	plugin, err := client.Start(ctx, cfg)
	if err != nil {
		return err
	}
	// Close asks the plugin to stop, and makes it stop if it does not. It needs a
	// context that Ctrl-C has not ended.
	defer func() {
		err = errors.Join(err, plugin.Close(context.WithoutCancel(ctx)))
		report(out, plugin.Metrics())
	}()
	return putAndGet(ctx, plugin, *key, *value, out)
}

// putAndGet calls the plugin's service. Conn is an ordinary gRPC connection,
// for which a generated client would do as well; kvpb's has another name for the
// service than plugins have, so the methods are named here.
func putAndGet(ctx context.Context, plugin *client.Client, key, value string, out io.Writer) error {
	put := &kvpb.PutRequest{Key: key, Value: []byte(value)}
	if err := plugin.Conn().Invoke(ctx, "/proto.KV/Put", put, &kvpb.Empty{}); err != nil {
		return fmt.Errorf("put %q: %w", key, err)
	}
	var reply kvpb.GetResponse
	if err := plugin.Conn().Invoke(ctx, "/proto.KV/Get", &kvpb.GetRequest{Key: key}, &reply); err != nil {
		return fmt.Errorf("get %q: %w", key, err)
	}
	_, err := fmt.Fprintf(out, "%s = %q\n", key, reply.GetValue())
	return err
}

// phases prints a line for each step in the plugin's life. Hooks run while the
// plugin is waited for, so they do no more than that.
func phases(out io.Writer, began time.Time) *client.Trace {
	say := func(format string, args ...any) {
		line := fmt.Sprintf("%8s  ", time.Since(began).Round(100*time.Microsecond)) + fmt.Sprintf(format, args...)
		_, _ = fmt.Fprintln(out, line)
	}
	return &client.Trace{
		ProcessStart:   func(command []string) { say("starting %q", command) },
		ProcessStarted: func(id string) { say("process %s runs", id) },
		Line: func(i client.LineInfo) {
			say("handshake line: version %d, %s %s", i.Line.AppVersion, i.Line.Network, i.Line.Address)
		},
		DialDone:      func(i client.DialInfo) { say("dialed in %s, error: %v", i.Took, i.Err) },
		TLSDone:       func(i client.TLSInfo) { say("TLS in %s, error: %v", i.Took, i.Err) },
		StateChange:   func(s client.State) { say("the plugin is %s", s) },
		CallDone:      func(i client.CallInfo) { say("%s: %s in %s", i.Method, i.Code, i.Took) },
		ShutdownStart: func(time.Duration) { say("asking it to stop") },
		ShutdownDone:  func(err error) { say("asked, error: %v", err) },
		Terminate:     func(id string) { say("SIGTERM to %s", id) },
		Exited:        func(s client.ExitStatus) { say("the process %s", s) },
	}
}

// report prints what was counted.
func report(out io.Writer, m client.Metrics) {
	_, _ = fmt.Fprintf(out, "start: process %s, line %s, connection %s\n", m.Phases.Process, m.Phases.Line, m.Phases.Connect)
	_, _ = fmt.Fprintf(out, "calls: %d, failed: %d; bytes in: %d, out: %d\n", m.Calls.Started, m.Calls.Failed, m.BytesIn, m.BytesOut)
}

// prefixed marks what the plugin prints.
type prefixed struct {
	out    io.Writer
	prefix string
}

// Write writes a chunk of output, marked.
func (p prefixed) Write(chunk []byte) (int, error) {
	if _, err := fmt.Fprintf(p.out, "%s%q\n", p.prefix, chunk); err != nil {
		return 0, err
	}
	return len(chunk), nil
}
