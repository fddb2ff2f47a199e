// Package h2switch distributes the streams of one HTTP/2 connection over two
// servers, frame by frame: the local one answers some paths, a child program
// all others. Nothing of gRPC is decoded but the lengths of messages.
//
// One mutex, switchboard.mu, guards all state; reads and writes of connections
// happen outside it. Each connection (a leg) has one goroutine that reads, and
// one that writes what a reader could not write itself without blocking.
package h2switch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/status"
)

// Config says where streams go. Local, Child and IsLocal are required.
type Config struct {
	// Local opens a connection to the local server, once the host has spoken. It
	// must not block.
	Local func(ctx context.Context) (net.Conn, error)

	// Child opens a connection to the child, and waits until it accepts. It is
	// called once the host has spoken, and again, for the next stream, after a
	// connection was lost or ended with GOAWAY. One call at a time.
	Child func(ctx context.Context) (net.Conn, error)

	// Spoke, if set, is called when the child has begun HTTP/2 on a connection, in
	// a goroutine of its own.
	Spoke func()

	// IsLocal reports whether the local server answers a path. It must not block.
	IsLocal func(path string) bool

	// Admit, if set, is asked for each stream that would go to the child, before
	// any of it does; an error ends the stream, with its gRPC status. It must not
	// block.
	Admit func(path string) error

	// Refuse gives the status of streams that the child will not get, or that its
	// lost connection has left open. err is what Child said, or why the
	// connection broke (*Error). It may block: it has a goroutine of its own, and
	// ctx ends with the host's connection. The default is Unavailable.
	Refuse func(ctx context.Context, err error) *status.Status

	// Amend may replace a status other than OK with which the child has ended a
	// stream; largest is the length in bytes of the largest message that the
	// stream carried to the child. Returning st leaves everything as it is. It
	// must not block. The default leaves all.
	Amend func(st *status.Status, largest int64) *status.Status

	Limits Limits
	Logger *slog.Logger // the default discards
}

// Limits bound what one host may have held here. Zero values mean the defaults.
type Limits struct {
	Streams       int           // open at once; 5000. More are refused with REFUSED_STREAM
	Waiting       int           // waiting for the child; 1000. More end with RESOURCE_EXHAUSTED
	WaitingHeader int           // bytes of headers that wait; 8 MiB. More: likewise
	HeaderList    int           // bytes of one header list, as RFC 9113 counts them; 1 MiB
	Window        int           // bytes of a connection's window; 4 MiB
	StreamWindow  int           // bytes of a stream's window, at most; 1 MiB
	Held          int           // bytes that wait for the child until windows close; 2 MiB
	Preface       time.Duration // how long a host may be silent at first; 2 min
	Greeting      time.Duration // how long a child may accept and say nothing; 1 min
}

func (l *Limits) fill() {
	fill(&l.Streams, 5000)
	fill(&l.Waiting, 1000)
	fill(&l.WaitingHeader, 8<<20)
	fill(&l.HeaderList, 1<<20)
	fill(&l.Window, 4<<20)
	fill(&l.StreamWindow, 1<<20)
	fill(&l.Held, 2<<20)
	fill(&l.Preface, 2*time.Minute)
	fill(&l.Greeting, time.Minute)
	l.Window = max(l.Window, defaultWindow)
	l.StreamWindow = max(l.StreamWindow, defaultWindow)
}

func fill[T int | time.Duration](value *T, usual T) {
	if *value <= 0 {
		*value = usual
	}
}

// switchboard is one host's connection and what belongs to it.
type switchboard struct {
	cfg  Config
	ctx  context.Context // ends with the connection
	host *leg
	wg   sync.WaitGroup // all goroutines but Serve's own

	mu       sync.Mutex
	over     bool // nothing new is begun, all is closed
	ending   bool // the host's connection closes once all is written
	verdict  error
	legs     []*leg // those that are open; replaced, never changed
	local    *leg
	child    *leg // for new streams; nil while there is none
	dialing  bool
	tried    bool // the last connection to the child was lost before it spoke
	streams  map[uint32]*stream
	last     uint32 // highest stream that the host has opened
	closed   closedStreams
	waiting  waitingRoom
	pressure pressure
	farewell farewell
	chunks   chunkStore
	written  *sync.Cond // each write is over, or all is
}

// Serve distributes the streams of the host's connection until it ends, closes
// it and all that was opened for it, and waits for everything it started. An
// end of the context cuts the connection at once. The error is nil if the host
// has closed the connection, or if the local server has drained it; else it is
// an *Error, or the context's. A connection that has a SyscallConn is written to
// as the socket that it is.
func Serve(ctx context.Context, host net.Conn, cfg Config) error {
	cfg.Limits.fill()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sw := &switchboard{cfg: cfg, ctx: ctx, streams: make(map[uint32]*stream)}
	sw.written = sync.NewCond(&sw.mu)
	sw.host = newLeg(sw, roleHost, host)
	sw.legs = []*leg{sw.host}
	uncut := context.AfterFunc(ctx, sw.cut)
	defer uncut()
	err := sw.serve()
	cancel()
	sw.cut()
	sw.wg.Wait()
	return err
}

func (sw *switchboard) serve() error {
	_ = sw.host.conn.SetReadDeadline(time.Now().Add(sw.cfg.Limits.Preface))
	if err := readPreface(sw.host.conn); err != nil {
		if errors.Is(err, io.EOF) || sw.ctx.Err() != nil {
			return sw.ctx.Err()
		}
		sw.leave()
		return err
	}
	_ = sw.host.conn.SetReadDeadline(time.Time{})
	sw.wg.Go(sw.host.writeLoop)
	sw.mu.Lock()
	sw.host.greet(defaultWindow)
	sw.mu.Unlock()
	err := sw.host.readLoop()
	sw.mu.Lock()
	ended, verdict := sw.ending, sw.verdict
	sw.mu.Unlock()
	var fault connFault
	var known *Error
	switch {
	case ended:
		sw.leave()
		return verdict
	case sw.ctx.Err() != nil:
		return context.Cause(sw.ctx)
	case errors.As(err, &fault):
		sw.mu.Lock()
		sw.host.appendGoAway(sw.last, fault.code)
		sw.end(nil)
		sw.mu.Unlock()
		select {
		case <-sw.host.flushed:
		case <-sw.host.gone:
		}
		sw.leave()
		return &Error{Reason: ReasonProtocol, Peer: sw.host.role.String(), Code: fault.code, Err: fault}
	case errors.As(err, &known):
		return known
	case isEnd(err):
		return nil
	default:
		return &Error{Reason: ReasonLost, Peer: sw.host.role.String(), Err: err}
	}
}

// readPreface reads what a client begins with. The error is io.EOF if nothing
// comes at all.
func readPreface(conn net.Conn) error {
	var preface [len(http2.ClientPreface)]byte
	n, err := io.ReadFull(conn, preface[:])
	switch {
	case n == 0 && err != nil && isEnd(err):
		return io.EOF
	case string(preface[:n]) != http2.ClientPreface[:n]:
		return &Error{Reason: ReasonPreface, Peer: roleHost.String(), Err: faultf(http2.ErrCodeProtocol, "the connection begins with %q, not with the HTTP/2 preface", preface[:n])}
	case err != nil && isEnd(err):
		return io.EOF
	case err != nil:
		return &Error{Reason: ReasonPreface, Peer: roleHost.String(), Err: err}
	}
	return nil
}

// begin opens the servers' connections: the host's settings are known.
func (sw *switchboard) begin() error {
	conn, err := sw.cfg.Local(sw.ctx)
	if err != nil {
		return &Error{Reason: ReasonLost, Peer: roleLocal.String(), Err: err}
	}
	if sw.over {
		_ = conn.Close()
		return errShut
	}
	sw.local = sw.join(roleLocal, conn)
	sw.dial()
	return nil
}

// end closes the host's connection once all that is to be written is.
func (sw *switchboard) end(verdict error) {
	if sw.ending {
		return
	}
	sw.ending, sw.verdict = true, verdict
	_ = sw.host.conn.SetWriteDeadline(time.Now().Add(flushWait))
	sw.host.closeWhenWritten()
}

// cut closes everything at once.
func (sw *switchboard) cut() {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if sw.over {
		return
	}
	sw.over = true
	sw.written.Broadcast()
	for _, l := range sw.legs {
		l.shut()
	}
}
