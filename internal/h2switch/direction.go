package h2switch

import (
	"slices"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// direction is one of a stream's two ways: DATA and trailers from source to to.
//
// The sender is given as much credit as the receiver has given us, so that
// queues stay empty but for what the connection to the receiver holds up.
type direction struct {
	s      *stream
	source *leg // nil while the stream waits for its server
	to     *leg // nil while nothing can be passed on

	sendWindow int64 // what the receiver takes
	recvWindow int64 // what the sender may send
	queue      queue
	inRing     bool // of to

	ended    bool                // the sender has
	trailers []hpack.HeaderField // that follow the queue
	passed   bool                // the end is passed on
}

func (d *direction) isUp() bool { return d == &d.s.up }

// onData is a DATA frame.
func (l *leg) onData(f *frame) error {
	total := int64(len(f.payload))
	s, err := l.find(f)
	if err != nil {
		return err
	}
	if l.recvWindow -= total; l.recvWindow < 0 {
		return faultf(http2.ErrCodeFlowControl, "%d bytes more than the connection's window", -l.recvWindow)
	}
	if err := f.unpad(); err != nil {
		return err
	}
	err = l.dataFor(s, f, total)
	l.credit()
	return err
}

func (l *leg) dataFor(s *stream, f *frame, total int64) error {
	if s == nil {
		if l.role == roleHost && l.sw.closed.find(f.id) == endByHost {
			return streamFault{f.id, http2.ErrCodeStreamClosed, "a DATA frame after its end"}
		}
		return nil
	}
	d := s.from(l)
	switch d.recvWindow -= total; {
	case d.ended:
		return streamFault{f.id, http2.ErrCodeStreamClosed, "a DATA frame after its end"}
	case d.recvWindow+l.slack < 0 && total > 0:
		return streamFault{f.id, http2.ErrCodeFlowControl, "more bytes than its window"}
	case l.role != roleHost && !s.answered:
		return streamFault{f.id, http2.ErrCodeProtocol, "a DATA frame before the head"}
	}
	if d.isUp() && !s.local {
		s.meter.add(f.payload)
	}
	d.take(f.payload, f.flags.Has(http2.FlagDataEndStream))
	d.grant() // for padding, and where our window is smaller than the receiver's
	return nil
}

// take passes DATA on as far as that goes, and queues the rest.
func (d *direction) take(data []byte, end bool) {
	d.ended = end
	if d.isUp() && d.s.deaf {
		d.swallow()
		return
	}
	if d.to != nil && d.queue.size == 0 {
		n := 0
		if d.to.ring.empty() && len(d.to.out) < enough {
			n = int(max(0, min(int64(len(data)), d.sendWindow, d.to.sendWindow)))
		}
		if n == len(data) {
			if n > 0 || end {
				d.send(data, end)
			}
			return
		}
		if n > 0 {
			d.send(data[:n], false)
			data = data[n:]
		}
	}
	if len(data) > 0 {
		d.queue.add(&d.s.sw.chunks, data)
		d.hold(int64(len(data)))
	}
	d.line()
}

// swallow gives credit for what nobody takes.
func (d *direction) swallow() {
	s := d.s
	if d.ended {
		s.hush()
		s.settle()
		return
	}
	if more := d.source.initial - d.recvWindow; more > d.source.initial/2 {
		d.recvWindow += more
		d.source.appendWindow(s.id, more)
	}
}

// send appends one DATA frame to what the receiver's leg has to write.
func (d *direction) send(data []byte, end bool) {
	n := int64(len(data))
	d.sendWindow -= n
	d.to.sendWindow -= n
	d.to.appendData(d.s.id, data, end)
	if end {
		d.endPassed()
	}
}

// end ends the direction with trailers, once the queue is written.
func (d *direction) end(trailers []hpack.HeaderField) {
	d.ended = true
	if d.to != nil && d.queue.size == 0 {
		d.sendTrailers(trailers)
		return
	}
	d.trailers = slices.Clone(trailers)
}

func (d *direction) sendTrailers(trailers []hpack.HeaderField) {
	d.to.appendHeaders(d.s.id, trailers, true)
	d.endPassed()
}

func (d *direction) endPassed() {
	d.passed = true
	if d.isUp() {
		d.s.settle()
	} else {
		d.s.answerPassed()
	}
}

// line has the direction wait for a turn if it has and may send something.
func (d *direction) line() {
	if d.inRing || d.to == nil || d.queue.size == 0 || d.sendWindow <= 0 {
		return
	}
	d.inRing = true
	d.to.ring.push(d)
}

// refill moves queued DATA to what is to be written, a frame of each stream in
// turn.
func (l *leg) refill() {
	for len(l.out) < enough && l.sendWindow > 0 {
		d := l.ring.pop()
		if d == nil {
			return
		}
		d.inRing = false
		if d.to == l && d.queue.size > 0 && d.sendWindow > 0 {
			d.turn()
		}
	}
}

// turn passes one frame of the queue on.
func (d *direction) turn() {
	data := d.queue.front(min(maxFrame, d.sendWindow, d.to.sendWindow))
	n := len(data)
	last := d.ended && int64(n) == d.queue.size
	d.to.appendData(d.s.id, data, last && d.trailers == nil)
	d.sendWindow -= int64(n)
	d.to.sendWindow -= int64(n)
	d.queue.discard(&d.s.sw.chunks, n)
	d.hold(-int64(n))
	d.source.credit()
	switch {
	case !last:
		d.grant()
		d.line()
	case d.trailers == nil:
		d.endPassed()
	default:
		d.sendTrailers(d.trailers)
	}
}

// hold accounts for bytes that come into the queue, or leave it.
func (d *direction) hold(n int64) {
	d.source.held += n
	if d.isUp() && !d.s.local {
		d.s.sw.pressure.hold(d.s.sw, n)
	}
}

// drop empties the queue.
func (d *direction) drop() {
	if d.queue.size == 0 {
		return
	}
	size := d.queue.size
	d.queue.clear(&d.s.sw.chunks)
	d.hold(-size)
	d.source.credit()
}

// credit opens the connection's window again for what has left the queues.
func (l *leg) credit() {
	window := int64(l.sw.cfg.Limits.Window)
	more := window + l.advance - l.held - l.recvWindow
	if more < window/4 || l.shutOff {
		return
	}
	l.recvWindow += more
	l.appendWindow(0, more)
}

// grant gives the sender the credit that the receiver has given us.
func (d *direction) grant() {
	s := d.s
	if d.ended || s.leg == nil || s.gone {
		return
	}
	most := int64(s.sw.cfg.Limits.StreamWindow)
	if d.isUp() {
		most = s.sw.pressure.most(d, most)
	}
	more := min(d.sendWindow, most) - d.queue.size - d.recvWindow
	if more <= 0 || d.sendWindow > most && more < most/4 {
		return
	}
	d.recvWindow += more
	d.source.appendWindow(s.id, more)
}
