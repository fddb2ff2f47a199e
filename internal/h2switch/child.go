package h2switch

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
)

// waitingRoom is where streams wait, in order, until the child takes them.
type waitingRoom struct {
	queue     []*stream // also some that wait no more
	count     int
	size      int // bytes of heads
	releasing bool
}

// admit passes a stream on to the child as soon as that takes it.
func (sw *switchboard) admit(s *stream, head []hpack.HeaderField) {
	w := &sw.waiting
	if w.count == 0 && sw.childTakes() {
		s.start(sw.child, head)
		return
	}
	size := listSize(head)
	if w.count >= sw.cfg.Limits.Waiting || w.size+size > sw.cfg.Limits.WaitingHeader {
		s.answer(status.New(codes.ResourceExhausted, fmt.Sprintf("%d calls wait for the plugin's program already", w.count)))
		return
	}
	s.waiting, s.head, s.headSize = true, slices.Clone(head), size
	w.queue = append(w.queue, s)
	w.count++
	w.size += size
	sw.dial()
}

// childTakes reports whether the child takes one more stream now.
func (sw *switchboard) childTakes() bool {
	c := sw.child
	return c != nil && c.greeted && !c.broken && int64(c.open) < c.maxStreams && len(c.out) < enough
}

// release passes on what waited, as far as that goes.
func (sw *switchboard) release() {
	w := &sw.waiting
	if w.releasing {
		return
	}
	w.releasing = true
	for w.count > 0 && sw.childTakes() {
		s := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		if !s.waiting {
			continue
		}
		head := s.head
		s.leaveQueue()
		s.start(sw.child, head)
	}
	if w.count == 0 {
		w.queue = nil
	}
	w.releasing = false
}

// leaveQueue ends a stream's waiting.
func (s *stream) leaveQueue() {
	if !s.waiting {
		return
	}
	w := &s.sw.waiting
	w.count--
	w.size -= s.headSize
	s.waiting, s.head = false, nil
	if len(w.queue) > 2*w.count+64 {
		w.queue = slices.DeleteFunc(slices.Clone(w.queue), func(s *stream) bool { return s == nil || !s.waiting })
	}
}

// dial connects to the child, unless there is a connection, or will be one.
func (sw *switchboard) dial() {
	if sw.child != nil || sw.dialing || sw.over {
		return
	}
	sw.dialing = true
	sw.wg.Go(func() {
		conn, err := sw.cfg.Child(sw.ctx)
		sw.mu.Lock()
		defer sw.mu.Unlock()
		sw.dialing = false
		switch {
		case err != nil:
			sw.refuse(sw.takeWaiting(), err)
		case sw.over:
			_ = conn.Close()
		default:
			l := sw.join(roleChild, conn)
			sw.child = l
			l.silence = time.AfterFunc(sw.cfg.Limits.Greeting, l.tooSilent)
			sw.flushAll(l)
		}
	})
}

// takeWaiting takes all streams that wait for the child.
func (sw *switchboard) takeWaiting() []*stream {
	var all []*stream
	for _, s := range sw.waiting.queue {
		if s != nil && s.waiting {
			all = append(all, s)
		}
	}
	for _, s := range all {
		s.leaveQueue()
	}
	return all
}

// tooSilent gives up a child that accepts and says nothing.
func (l *leg) tooSilent() {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	if !l.greeted {
		l.shut()
	}
}

// lost cleans up after a server's connection has ended.
func (sw *switchboard) lost(l *leg, err error) {
	var silent bool
	if fault, ok := asFault(err); ok {
		l.appendGoAway(0, fault.code)
		l.flush(l)
		err = &Error{Reason: ReasonProtocol, Peer: l.role.String(), Code: fault.code, Err: err}
	} else {
		if l.parting != http2.ErrCodeNo {
			err = fmt.Errorf("it said GOAWAY with %s", l.parting)
		}
		silent = l.shutOff && !l.greeted
		reason := ReasonLost
		if silent {
			reason = ReasonSilent
		}
		err = &Error{Reason: reason, Peer: l.role.String(), Err: err}
	}
	l.shut()
	sw.legs = slices.DeleteFunc(slices.Clone(sw.legs), func(other *leg) bool { return other == l })
	if sw.over {
		return
	}
	sw.cfg.Logger.Debug("a connection has ended", event.Tried(event.Connection, event.Relay, err), "peer", l.role.String(), "error", err)
	if l.role == roleLocal && !sw.farewell.final {
		sw.end(&Error{Reason: ReasonAway, Peer: l.role.String(), Err: err})
		return
	}
	if sw.child == l {
		sw.child = nil // first: it must not get those that wait
	}
	orphans := sw.orphans(l)
	if l.role == roleChild && sw.waiting.count > 0 && sw.child == nil {
		if l.greeted || !silent && !sw.tried {
			sw.tried = !l.greeted
			sw.dial()
		} else {
			orphans = append(orphans, sw.takeWaiting()...)
		}
	}
	sw.refuse(orphans, err)
}

// orphans takes all streams away from a leg, and returns those that it has not
// answered in full.
func (sw *switchboard) orphans(l *leg) []*stream {
	var open []*stream
	for _, s := range sw.streams {
		if s.leg != l {
			continue
		}
		if s.down.ended {
			sw.targetReset(s, http2.ErrCodeNo)
			continue
		}
		s.detach()
		open = append(open, s)
	}
	return open
}

// refuse ends streams with what Config.Refuse says to the error.
func (sw *switchboard) refuse(streams []*stream, err error) {
	if len(streams) == 0 || sw.over {
		return
	}
	for _, s := range streams {
		s.deaf = true
		s.up.drop()
	}
	sw.wg.Go(func() {
		var st *status.Status
		if sw.cfg.Refuse != nil {
			st = sw.cfg.Refuse(sw.ctx, err)
		}
		if st == nil || st.Code() == codes.OK {
			st = status.New(codes.Unavailable, err.Error())
		}
		sw.mu.Lock()
		defer sw.mu.Unlock()
		for _, s := range streams {
			sw.pace()
			if !s.gone {
				s.answer(st)
			}
		}
		sw.flushAll(nil)
	})
}

// vacated follows the end of a stream at a server.
func (l *leg) vacated() {
	if l.leaving && l.open == 0 && l.role == roleChild && !l.closing {
		l.closeWhenWritten()
	}
	if l == l.sw.child {
		l.sw.release()
	}
}
