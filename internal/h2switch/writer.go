package h2switch

import (
	"time"

	"golang.org/x/net/http2"
)

const (
	// enough is how much may be on its way to a peer before DATA has to queue.
	enough = 64 << 10
	// tooMuch of it, in frames that no window holds back, is abuse.
	tooMuch = 4 << 20
	// much is what we say on our own account before the peer has taken some.
	much = tooMuch / 4
	// turns is how often in a row a reader writes for others.
	turns = 4
)

// flushAll writes what the frames that a reader has handled have left for all
// legs. from is the reader's leg, nil if the caller may block. What its own peer
// gets, mostly answers to pings, comes last: calls are in more of a hurry.
func (sw *switchboard) flushAll(from *leg) {
	for _, l := range sw.legs {
		if l != from {
			l.flush(from)
		}
	}
	if from != nil {
		from.flush(from)
	}
	sw.rouseAll() // for what writing has set free
}

// pace waits while the host has much to take. The caller may block.
func (sw *switchboard) pace() {
	for len(sw.host.out) > much && !sw.over && !sw.host.broken {
		sw.flushAll(nil)
		if len(sw.host.out) > much && !sw.over {
			sw.written.Wait()
		}
	}
}

// rouseAll has the writer goroutines write what nobody does.
func (sw *switchboard) rouseAll() {
	for _, l := range sw.legs {
		if len(l.out) > 0 && !l.writing {
			l.rouse()
		}
	}
}

// flush writes if that cannot block the reader of from where it must not.
// Else the writer goroutine does.
//
// The readers of servers may wait for the host: nothing that it needs comes
// from them while it does not read. Nobody waits for a server.
func (l *leg) flush(from *leg) {
	l.refill()
	if l.broken {
		l.out = l.out[:0]
	}
	if len(l.out) > tooMuch {
		l.fail(faultf(http2.ErrCodeEnhanceYourCalm, "%d bytes wait for a peer that does not read", len(l.out)))
	}
	for range turns {
		if l.writing || len(l.out) == 0 || l.shutOff {
			return
		}
		mayBlock := l.role == roleHost && from != l
		if l.nonblock == nil && !mayBlock {
			break
		}
		if !l.writeNow() {
			return
		}
	}
	if len(l.out) > 0 {
		l.rouse()
	}
}

// writeNow writes what there is, and reports whether it is all written.
func (l *leg) writeNow() bool {
	data := l.take()
	var n int
	var err error
	l.sw.mu.Unlock()
	if l.nonblock != nil {
		n, err = l.nonblock.write(data)
	} else {
		n, err = l.conn.Write(data)
	}
	l.sw.mu.Lock()
	if err == nil && n < len(data) {
		l.rest, l.whole = data[n:], data
		l.rouse() // and writing stays true: the writer goroutine goes on
		return false
	}
	l.wrote(data, err)
	return err == nil
}

// take takes what is to be written.
func (l *leg) take() []byte {
	l.writing = true
	data := l.out
	l.out, l.spare = l.spare[:0], nil
	return data
}

// wrote is to be called after each write.
func (l *leg) wrote(data []byte, err error) {
	l.writing = false
	l.sw.written.Broadcast()
	if cap(data) <= 4*enough {
		l.spare = data[:0]
	}
	if err != nil {
		l.fail(err)
	}
	l.refill()
	if l.sw.pressure.on {
		l.sw.regrant()
	}
	if l == l.sw.child {
		l.sw.release()
	}
	if l.closing {
		l.rouse()
	}
}

// fail notes that the peer takes nothing any more. What it has sent before is
// read nevertheless.
func (l *leg) fail(err error) {
	if l.broken {
		return
	}
	l.broken = true
	if l.role == roleHost {
		var verdict error
		if !isEnd(err) {
			verdict = &Error{Reason: ReasonLost, Peer: l.role.String(), Err: err}
		}
		l.sw.end(verdict)
		return
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(afterWrite))
}

// writeLoop writes what readers could not, until the connection is closed.
func (l *leg) writeLoop() {
	for {
		select {
		case <-l.gone:
			return
		case <-l.wake:
		}
		l.sw.mu.Lock()
		l.drain()
		l.sw.mu.Unlock()
	}
}

func (l *leg) drain() {
	for {
		data, whole := l.rest, l.whole
		l.rest, l.whole = nil, nil
		if data == nil {
			if l.writing || len(l.out) == 0 {
				break
			}
			data = l.take()
			whole = data
		}
		var err error
		if !l.broken {
			l.sw.mu.Unlock()
			_, err = l.conn.Write(data)
			l.sw.mu.Lock()
		}
		l.wrote(whole, err)
		l.sw.rouseAll()
		if l.shutOff {
			return
		}
	}
	if !l.closing || l.writing {
		return
	}
	select {
	case <-l.flushed:
	default:
		close(l.flushed)
		if l.role == roleHost {
			_ = l.conn.SetReadDeadline(time.Now()) // Serve goes on
		} else {
			l.shut()
		}
	}
}
