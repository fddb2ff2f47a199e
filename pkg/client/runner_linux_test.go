package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// boxed is a Runner as somebody else would write it. It stands for containers:
// its plugins see the directory of the sockets as inside, which is a directory
// of its own for every process, and the host sees it through a descriptor of
// its own, so that neither can use the other's name.
type boxed struct{}

const inside = "/proc/self/cwd"

func (boxed) Start(_ context.Context, launch client.Launch) (client.Running, error) {
	shared, err := filepath.EvalSymlinks(launch.SocketDir)
	if err != nil {
		return nil, err
	}
	b := &box{command: exec.Command(launch.Command[0], launch.Command[1:]...), exited: make(chan struct{}), outside: launch.SocketDir}
	b.command.Dir = shared
	b.command.Env = append(launch.Env, handshake.EnvUnixSocketDir+"="+inside, "TMPDIR=/nowhere")
	var theirs [2]*os.File
	for i, ours := range []**os.File{&b.stdout, &b.stderr} {
		if *ours, theirs[i], err = os.Pipe(); err != nil {
			return nil, err
		}
		defer theirs[i].Close()
	}
	b.command.Stdout, b.command.Stderr = theirs[0], theirs[1]
	if err := b.command.Start(); err != nil {
		return nil, errors.Join(err, b.stdout.Close(), b.stderr.Close())
	}
	go func() {
		defer close(b.exited)
		_ = b.command.Wait()
	}()
	return b, nil
}

// box is a plugin that boxed has started.
type box struct {
	command        *exec.Cmd
	stdout, stderr *os.File
	exited         chan struct{}
	outside        string
}

func (b *box) ID() string              { return "box " + strconv.Itoa(b.command.Process.Pid) }
func (b *box) Stdout() io.Reader       { return b.stdout }
func (b *box) Stderr() io.Reader       { return b.stderr }
func (b *box) Exited() <-chan struct{} { return b.exited }

func (b *box) Status() client.ExitStatus {
	select {
	case <-b.exited:
		return client.ExitStatus{Code: b.command.ProcessState.ExitCode()}
	default:
		return client.ExitStatus{Code: -1}
	}
}

func (b *box) Stop(ctx context.Context, grace time.Duration) client.ExitStatus {
	_ = b.command.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-b.exited:
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = b.command.Process.Kill()
	<-b.exited
	return b.Status()
}

func (b *box) Close() error {
	_ = b.command.Process.Kill()
	<-b.exited
	return errors.Join(b.stdout.Close(), b.stderr.Close())
}

func (b *box) PluginToHost(announced transport.Endpoint) (transport.Endpoint, error) {
	return rename(announced, inside, b.outside)
}

func (b *box) HostToPlugin(here transport.Endpoint) (transport.Endpoint, error) {
	return rename(here, b.outside, inside)
}

func rename(e transport.Endpoint, from, to string) (transport.Endpoint, error) {
	rest, ok := strings.CutPrefix(e.Address, from+"/")
	if !ok {
		return e, fmt.Errorf("%q is not below %q", e.Address, from)
	}
	e.Address = to + "/" + rest
	return e, nil
}

// tidyThroughDescriptor is tidy with a name that nobody else can use.
func tidyThroughDescriptor(t *testing.T) {
	t.Helper()
	tidy(t)
	dir, err := os.Open(os.TempDir())
	noError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	t.Setenv("TMPDIR", fmt.Sprint("/proc/self/fd/", dir.Fd()))
}

func TestRunnerElsewhere(t *testing.T) {
	for _, test := range []struct {
		name, role, text string
		tls              client.TLS
		multiplex        bool
	}{
		{"ours", "ours", "", client.TLSAuto, false},
		{"go-plugin", "go-plugin", "1", client.TLSAuto, false},
		{"go-plugin without TLS", "go-plugin", "1", client.TLSOff, false},
		{"ours multiplexed", "ours", "", client.TLSAuto, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tidyThroughDescriptor(t)
			cfg := as(t, test.role, test.text)
			cfg.Runner, cfg.TLS, cfg.Multiplex = boxed{}, test.tls, test.multiplex
			c, err := client.Start(soon(t), cfg)
			noError(t, err)
			t.Cleanup(func() { noError(t, c.Close(context.Background())) })
			if address := c.Line().Address; !strings.HasPrefix(address, inside+"/") {
				t.Errorf("the plugin listens at %q, expected it below %q", address, inside)
			}
			if id := c.ID(); !strings.HasPrefix(id, "box ") || c.Pid() != 0 {
				t.Errorf("id %q, pid %d", id, c.Pid())
			}
			callAllKinds(t, testpb.NewEchoClient(c.Conn()), 1<<20)
			callThroughBroker(t, c)
			closed(t, c)
			if ended, words := c.LastWords(); ended.Code != 0 {
				t.Errorf("the plugin %s, %q", ended, words)
			}
		})
	}
}

// A plugin that nobody translates for is not reached: what the test above shows
// is the translation.
func TestRunnerElsewhereUntranslated(t *testing.T) {
	tidyThroughDescriptor(t)
	cfg := as(t, "ours", "")
	cfg.Runner = untranslated{}
	_, err := client.Start(soon(t), cfg)
	var failed *client.Error
	if !errors.As(err, &failed) || failed.Reason != client.ReasonConnect {
		t.Errorf("error %v, expected reason %q", err, client.ReasonConnect)
	}
}

type untranslated struct{ boxed }

func (u untranslated) Start(ctx context.Context, launch client.Launch) (client.Running, error) {
	running, err := u.boxed.Start(ctx, launch)
	if err != nil {
		return nil, err
	}
	return asItIs{running}, nil
}

type asItIs struct{ client.Running }

func (asItIs) PluginToHost(e transport.Endpoint) (transport.Endpoint, error) { return e, nil }
