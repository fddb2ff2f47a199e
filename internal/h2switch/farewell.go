package h2switch

import (
	"encoding/binary"
	"io"
	"time"

	"golang.org/x/net/http2"

	"github.com/pyvider/rpcplugin/internal/event"
)

// farewell is the graceful end of the local server, which is the host
// connection's, too.
//
// A server that wants to go says GOAWAY with the highest id that there is and a
// PING, and, once that is answered, GOAWAY with the last stream that it has
// seen. We do the same with the host, and answer the server's PING when the
// host has answered ours: then every stream that the host had opened without
// knowing is under way.
type farewell struct {
	announced bool // the host has been sent GOAWAY with the highest id
	holding   bool // until the host answers our PING
	held      bool // the server's PING came meanwhile
	ping      [8]byte
	final     bool // the host has been sent its last GOAWAY
}

// farewellPing is what our PING to the host carries.
func farewellPing() [8]byte { return [8]byte{'f', 'a', 'r', 'e', 'w', 'e', 'l', 'l'} }

func (l *leg) onPing(f *frame) error {
	if f.id != 0 {
		return faultf(http2.ErrCodeProtocol, "a PING frame for stream %d", f.id)
	}
	if err := f.want(8); err != nil {
		return err
	}
	data := [8]byte(f.payload)
	w := &l.sw.farewell
	switch {
	case !f.flags.Has(http2.FlagPingAck):
		if l.role == roleLocal && w.holding && !w.held {
			w.held, w.ping = true, data
			return nil
		}
		l.appendPing(true, data)
	case l.role == roleHost && w.holding && data == farewellPing():
		w.holding = false
		if w.held {
			l.sw.local.appendPing(true, w.ping)
		}
	}
	return nil
}

func (l *leg) onGoAway(f *frame) error {
	switch {
	case f.id != 0:
		return faultf(http2.ErrCodeProtocol, "a GOAWAY frame for stream %d", f.id)
	case len(f.payload) < 8:
		return faultf(http2.ErrCodeFrameSize, "a GOAWAY frame of %d bytes", len(f.payload))
	case l.role == roleHost:
		return nil // it takes no streams of ours anyway
	}
	last := f.uint31()
	code := http2.ErrCode(binary.BigEndian.Uint32(f.payload[4:]))
	l.sw.cfg.Logger.Debug("GOAWAY", event.OK(event.Connection, event.End), "peer", l.role.String(), "last", last, "code", code.String())
	sw := l.sw
	if l.role == roleLocal {
		sw.sayFarewell(l, last, code)
		return nil
	}
	l.leaving = true
	if sw.child == l {
		sw.child = nil
	}
	sw.refuseAbove(l, last)
	if code != http2.ErrCodeNo { // some servers then say nothing more, and stay
		l.parting = code
		_ = l.conn.SetReadDeadline(time.Now().Add(afterFault))
	}
	l.vacated()
	if sw.waiting.count > 0 {
		sw.dial()
	}
	return nil
}

// refuseAbove resets the streams that a server has not seen.
func (sw *switchboard) refuseAbove(l *leg, last uint32) {
	for id, s := range sw.streams {
		if s.leg != l || id <= last {
			continue
		}
		sw.targetReset(s, http2.ErrCodeRefusedStream)
	}
}

func (sw *switchboard) sayFarewell(l *leg, last uint32, code http2.ErrCode) {
	w := &sw.farewell
	l.leaving = true
	if w.final {
		sw.refuseAbove(l, last)
		return
	}
	if last == maxStreamID {
		if !w.announced {
			w.announced, w.holding = true, true
			sw.host.appendGoAway(maxStreamID, code)
			sw.host.appendPing(false, farewellPing())
		}
		return
	}
	w.final = true
	sw.host.appendGoAway(sw.last, code)
	sw.refuseAbove(l, last)
	sw.checkFarewell()
}

// checkFarewell ends the connection after the last stream.
func (sw *switchboard) checkFarewell() {
	if sw.farewell.final && len(sw.streams) == 0 {
		sw.end(nil)
	}
}

// leave gives the host a moment to read what was written last: a connection
// that is closed with bytes unread loses it.
func (sw *switchboard) leave() {
	half, ok := sw.host.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = sw.host.conn.SetReadDeadline(time.Now().Add(leaveWait))
	_, _ = io.Copy(io.Discard, sw.host.conn)
}
