package h2switch

import (
	"bytes"
	"math"
	"net"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// role is who is at the other end of a leg.
type role int

const (
	roleHost role = iota
	roleLocal
	roleChild
)

func (r role) String() string { return [...]string{"host", "local", "child"}[r] }

const (
	// flushWait is how long the last words to a peer may take.
	flushWait = time.Second
	// leaveWait is how long a host is given to read them.
	leaveWait = 200 * time.Millisecond
	// afterFault is how long a child that said GOAWAY with an error may go on.
	afterFault = time.Second
	// afterWrite is how long a peer that takes nothing any more is listened to.
	afterWrite = time.Second
)

// leg is one HTTP/2 connection. All but conn and role is guarded by
// switchboard.mu.
type leg struct {
	sw   *switchboard
	role role
	conn net.Conn

	greeted bool // the peer's settings have come
	shutOff bool // conn is closed
	silence *time.Timer

	headers headerReader
	encoder *hpack.Encoder
	encoded bytes.Buffer

	out      []byte        // to be written
	spare    []byte        // the next out
	rest     []byte        // of a write that would have blocked; the writer goroutine's
	whole    []byte        // what rest is the end of
	writing  bool          // somebody writes, or the writer goroutine is about to
	broken   bool          // the peer takes nothing any more
	closing  bool          // to be closed once all is written
	nonblock *nonblock     // nil: every write may block
	wake     chan struct{} // for the writer goroutine
	gone     chan struct{} // closed with conn
	flushed  chan struct{} // closed when closing has been seen to

	sendWindow int64 // bytes of DATA that the peer takes, of all streams
	recvWindow int64 // bytes of DATA that it may send
	held       int64 // bytes that came from it and wait in queues
	advance    int64 // bytes of held that it was given credit for nevertheless
	ring       ring  // what waits for a turn to be written

	peerInitial int64 // the peer's initial window of a stream
	initial     int64 // ours
	unacked     int   // settings of ours that the peer has not confirmed
	slack       int64 // what the peer may send beyond the windows until it has

	maxStreams int64 // that the peer allows
	maxList    int64 // bytes of a header list that it takes
	open       int   // streams that it has, as a server
	opened     uint32
	leaving    bool          // it has sent GOAWAY
	parting    http2.ErrCode // with that error
}

func newLeg(sw *switchboard, as role, conn net.Conn) *leg {
	l := &leg{
		sw: sw, role: as, conn: conn, nonblock: newNonblock(conn),
		wake: make(chan struct{}, 1), gone: make(chan struct{}), flushed: make(chan struct{}),
		sendWindow: defaultWindow, recvWindow: defaultWindow, peerInitial: defaultWindow,
		maxStreams: math.MaxInt64, maxList: math.MaxInt64,
	}
	l.encoder = hpack.NewEncoder(&l.encoded)
	l.headers.init(sw.cfg.Limits.HeaderList, as == roleHost)
	return l
}

// join adds a server's connection and starts its goroutines.
func (sw *switchboard) join(as role, conn net.Conn) *leg {
	l := newLeg(sw, as, conn)
	sw.legs = append(append([]*leg(nil), sw.legs...), l)
	l.out = append(l.out, http2.ClientPreface...)
	l.greet(min(sw.host.peerInitial, int64(sw.cfg.Limits.StreamWindow)))
	sw.wg.Go(l.writeLoop)
	sw.wg.Go(func() {
		err := l.readLoop()
		sw.mu.Lock()
		defer sw.mu.Unlock()
		sw.lost(l, err)
		sw.flushAll(l)
	})
	return l
}

// greet appends our settings, and opens the connection's window.
func (l *leg) greet(initial int64) {
	limits := &l.sw.cfg.Limits
	settings := []http2.Setting{
		{ID: http2.SettingInitialWindowSize, Val: uint32(initial)},
		{ID: http2.SettingMaxHeaderListSize, Val: uint32(limits.HeaderList)},
	}
	if l.role == roleHost {
		settings = append(settings, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(limits.Streams)})
	} else {
		settings = append(settings, http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	}
	l.initial = initial
	l.appendSettings(settings...)
	l.credit()
}

// appendHeaders appends a block of header fields.
func (l *leg) appendHeaders(id uint32, fields []hpack.HeaderField, end bool) {
	l.encoded.Reset()
	for i := range fields {
		_ = l.encoder.WriteField(fields[i]) // into memory
	}
	l.appendBlock(id, l.encoded.Bytes(), end)
}

// shut closes the connection.
func (l *leg) shut() {
	if l.shutOff {
		return
	}
	l.shutOff = true
	if l.silence != nil {
		l.silence.Stop()
	}
	_ = l.conn.Close()
	close(l.gone)
}

// closeWhenWritten has the writer goroutine close the connection after all that
// is to be written.
func (l *leg) closeWhenWritten() {
	l.closing = true
	l.rouse()
}

// rouse wakes the writer goroutine.
func (l *leg) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
