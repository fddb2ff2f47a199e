package client

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Runner starts a plugin's program somewhere: [LocalRunner] as a process of this
// machine, another one in a container, say.
type Runner interface {
	// Start starts the program and returns when it runs. ctx bounds the start
	// only. The Client closes what it returns; after an error nothing is left
	// to be closed.
	Start(ctx context.Context, launch Launch) (Running, error)
}

// Launch is what a Runner starts.
type Launch struct {
	// Command is the program and its arguments, as in the Config.
	Command []string
	// Env is the whole environment of the program, KEY=VALUE each; of
	// duplicates the last counts. Its PLUGIN_UNIX_SOCKET_DIR is SocketDir: a
	// Runner whose programs see that directory under another name appends that.
	Env []string
	// Dir is the working directory, as in the Config.
	Dir string
	// SocketDir is the directory, on this machine, of all unix sockets between
	// host and plugin, those of brokered services included: what a container
	// has to share with the host. It belongs to the Client.
	SocketDir string
	// Logger is that of the Config, never nil.
	Logger *slog.Logger
}

// Running is a program that a Runner has started. Its methods may be called
// concurrently.
type Running interface {
	// ID names the program for people: a process id, or that of a container. A
	// Running that is a process of this machine may also have a method
	// Pid() int, which is [Client.Pid] then.
	ID() string
	// Stdout and Stderr are what the program prints there. They end soon after
	// the program, whoever else may write to them, and at the latest in Close.
	Stdout() io.Reader
	Stderr() io.Reader
	// Exited is closed when the program has ended, and Status, from then on,
	// says how.
	Exited() <-chan struct{}
	Status() ExitStatus
	// Stop asks the program to end, as SIGTERM does, waits for its end up to
	// grace, and then ends it, with all that it has started. The end of ctx
	// skips the waiting. A program that has ended is no error.
	Stop(ctx context.Context, grace time.Duration) ExitStatus
	// Close ends what is left of the program and frees what was made for it.
	Close() error
	// PluginToHost turns an endpoint that the plugin has announced, by its
	// handshake line or its broker, into one that can be dialed here.
	PluginToHost(announced transport.Endpoint) (transport.Endpoint, error)
	// HostToPlugin turns an endpoint here into one that the plugin can dial.
	HostToPlugin(here transport.Endpoint) (transport.Endpoint, error)
}

// LocalRunner starts plugins as processes of this machine, each with a process
// group of its own that does not outlive this process. It may be wrapped: by a
// Runner that puts another command before the Launch's, for example, and
// translates endpoints.
type LocalRunner struct {
	// RemoveOnDeath are absolute paths of directories that are removed, with all
	// that is in them, if this process is killed; not by the Client's Close. The
	// Launch's SocketDir is among them anyway. It has no effect on Windows.
	RemoveOnDeath []string
}

// Start starts a process.
func (r LocalRunner) Start(_ context.Context, launch Launch) (Running, error) {
	started, err := process.Start(process.Config{
		Command:       launch.Command,
		Env:           launch.Env,
		Dir:           launch.Dir,
		Guard:         true,
		RemoveOnDeath: append([]string{launch.SocketDir}, r.RemoveOnDeath...),
		Logger:        launch.Logger,
	})
	if err != nil {
		return nil, err
	}
	return localProcess{started}, nil
}

// localProcess is a process that shares files and networks with the host.
type localProcess struct{ *process.Process }

func (p localProcess) ID() string { return strconv.Itoa(p.Pid()) }

func (localProcess) PluginToHost(e transport.Endpoint) (transport.Endpoint, error) { return e, nil }

func (localProcess) HostToPlugin(e transport.Endpoint) (transport.Endpoint, error) { return e, nil }

// pidOf is the process id of what runs, 0 if it is no process of this machine.
func pidOf(running Running) int {
	if local, ok := running.(interface{ Pid() int }); ok {
		return local.Pid()
	}
	return 0
}

// ExitStatus is how a plugin's process ended: its field Code is the exit code,
// -1 after a signal and when it is not known, Signal the name of that signal, as
// in "SIGKILL", or "", and CoreDumped tells of a core file. String completes "the
// plugin …", as in "exited with status 3".
type ExitStatus = process.Status
