package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Bounds of what a look at a plugin takes beside the wait for its line.
const (
	dialBound   = 2 * time.Second        // for its address
	settleBound = 500 * time.Millisecond // for what follows a first line that is none
	exitBound   = 2 * time.Second        // for the exit after the end of stdout
	termGrace   = time.Second            // between SIGTERM and SIGKILL
	signalledBy = "SIGTERM"
)

// firstOutput is the first line of a stdout, as far as it came.
type firstOutput struct {
	raw   []byte
	after time.Duration // until its last byte
	whole bool          // a line end came
	ended bool          // the end of stdout came
}

// firstReader reads it.
type firstReader struct {
	done chan struct{} // closed when the first line is there, or will never be

	mu    sync.Mutex
	found firstOutput
}

// readFirst reads a stdout in the background to its end, which closes drained,
// and keeps the start of it: as much as hosts read for a line.
func readFirst(stdout io.Reader, began time.Time) (first *firstReader, drained <-chan struct{}) {
	first = &firstReader{done: make(chan struct{})}
	end := make(chan struct{})
	go func() {
		defer close(end)
		first.read(stdout, began)
	}()
	return first, end
}

func (r *firstReader) read(stdout io.Reader, began time.Time) {
	known := sync.OnceFunc(func() { close(r.done) })
	defer known()
	piece := make([]byte, 4096)
	for {
		n, err := stdout.Read(piece)
		if r.add(piece[:n], err, time.Since(began)) {
			known()
		}
		if err != nil {
			return
		}
	}
}

// add keeps a piece, and reports whether the first line is there.
func (r *firstReader) add(piece []byte, err error, after time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.found
	waiting := !f.whole && len(f.raw) < handshake.MaxLineBytes
	f.raw = append(f.raw, piece[:min(len(piece), handshake.MaxLineBytes-len(f.raw))]...)
	f.whole = bytes.IndexByte(f.raw, '\n') >= 0
	f.ended = f.ended || err != nil
	if waiting && len(piece) > 0 {
		f.after = after
	}
	return f.whole || len(f.raw) >= handshake.MaxLineBytes
}

// take is what there is by now.
func (r *firstReader) take() firstOutput {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.found
	found.raw = append([]byte(nil), found.raw...)
	return found
}

// sighting is what was seen of a plugin.
type sighting struct {
	firstOutput

	program     string
	pid         int
	started     time.Duration
	unreachable error          // nobody is at the address of its line
	exited      bool           // by itself
	exit        process.Status // how it ended, at last
	stopping    time.Duration  // how long that took after SIGTERM
	stderr      []string
}

// settle tries the address of the line. Where there is none it waits a moment for
// what follows: more output, or the exit.
func (s *sighting) settle(ctx context.Context, running *process.Process) {
	line, err := handshake.AcceptLine(s.first(), handshake.Expectation{
		Protocols: []string{handshake.ProtocolGRPC, handshake.ProtocolNetRPC},
	})
	if err == nil {
		if line.Address != "" { // an empty one is for the verdict
			s.dial(ctx, transport.Endpoint{Network: line.Network, Address: line.Address})
		}
		return
	}
	bound := settleBound
	if s.ended { // the exit mostly comes with it
		bound = exitBound
	}
	moment := time.NewTimer(bound)
	defer moment.Stop()
	select {
	case <-running.Exited():
	case <-moment.C:
	case <-ctx.Done():
	}
}

func (s *sighting) dial(ctx context.Context, endpoint transport.Endpoint) {
	ctx, cancel := context.WithTimeout(ctx, dialBound)
	defer cancel()
	conn, err := transport.Connect(ctx, endpoint)
	if err != nil {
		s.unreachable = err
		return
	}
	_ = conn.Close()
}

// stop ends what runs, and all that it has started.
func (s *sighting) stop(ctx context.Context, running *process.Process) {
	select {
	case <-running.Exited():
		s.exited, s.exit = true, running.Status()
	default:
		began := time.Now()
		s.exit = running.Stop(ctx, termGrace)
		s.stopping = time.Since(began)
	}
	_ = running.Close()
}

// first is the first line, without its end.
func (s *sighting) first() string {
	line, _, _ := bytes.Cut(s.raw, []byte("\n"))
	return string(line)
}

// partialBytes are enough to know a line that has no end.
const partialBytes = 100

// noLine is the error of a first line that did not come, nil if it did.
func (s *sighting) noLine(timeout time.Duration) *handshake.Error {
	switch {
	case s.whole, s.ended && len(s.raw) > 0, len(s.raw) >= handshake.MaxLineBytes:
		return nil
	case s.ended && s.exited:
		return handshake.ExitedError(s.exit.String())
	case s.ended:
		return handshake.ExitedError("closed its stdout without a line, and runs on")
	case len(s.raw) > 0:
		fault := handshake.TimeoutError(timeout)
		fault.Found = s.first()[:min(len(s.raw), partialBytes)] + " without a line end within " + timeout.String()
		return fault
	}
	return handshake.TimeoutError(timeout)
}

// exitText says how it ended.
func (s *sighting) exitText() string {
	switch {
	case s.exited:
		return "it " + s.exit.String() + " by itself"
	case s.stopping >= termGrace:
		return fmt.Sprintf("none: it ran, ignored %s for %s, and was killed", signalledBy, termGrace)
	}
	return fmt.Sprintf("none: it ran until it was stopped, and %s %.0f ms after %s", s.exit, milliseconds(s.stopping), signalledBy)
}

// fix is advice about a line that did not come, from what came in its place; ""
// where the general one is as good.
func (s *sighting) fix(host knownHost) string {
	if s.exited {
		for _, line := range s.stderr {
			switch kind, advice := handshake.Recognize(line); kind {
			case handshake.OutputNoCookie:
				if host.cookie.IsZero() {
					return "the plugin did not find its magic cookie: name its host with --host, or the cookie itself with --cookie"
				}
				return "the plugin asks for another cookie than that of this host: is it a plugin of another one?"
			case handshake.OutputCrash, handshake.OutputShell:
				return advice
			default:
			}
		}
		if host.cookie.IsZero() {
			return "most plugins ask for the cookie of their host: name it with --host, or the cookie itself with --cookie"
		}
		return ""
	}
	switch {
	case s.ended:
		return "print the line first, and leave stdout open until the host closes it"
	case len(s.raw) > 0:
		return "print a line end after the line, and flush stdout: a host waits for both"
	}
	return ""
}
