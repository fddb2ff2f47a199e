package h2switch

import (
	"errors"

	"golang.org/x/net/http2"
)

// readSize is how much is read at once. It holds several frames.
const readSize = 128 << 10

// readLoop reads until the connection or the peer's good behaviour ends. All
// that came before has then been handled.
func (l *leg) readLoop() error {
	buffer := make([]byte, readSize)
	start, end := 0, 0
	for {
		n, err := l.conn.Read(buffer[end:])
		end += n
		if n > 0 {
			used, fault := l.sw.process(l, buffer[start:end])
			if fault != nil {
				return fault
			}
			start += used
		}
		if err != nil {
			return err
		}
		switch {
		case start == end:
			start, end = 0, 0
		case len(buffer)-start < headerLen+maxFrame || end == len(buffer):
			end = copy(buffer, buffer[start:end])
			start = 0
		}
	}
}

// process handles all whole frames in data, and then has all written that came
// of it.
func (sw *switchboard) process(l *leg, data []byte) (used int, err error) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	defer sw.flushAll(l)
	for !l.shutOff {
		f, ok, err := parseFrame(data[used:])
		if err != nil || !ok {
			return used, err
		}
		used += headerLen + len(f.payload)
		err = l.handle(&f)
		var fault streamFault
		if errors.As(err, &fault) {
			sw.breakStream(l, fault)
			err = nil
		}
		if err != nil {
			return used, err
		}
	}
	return used, errShut
}

// errShut ends the reading of a connection that we have closed.
var errShut = errors.New("closed")

// handle handles one frame.
func (l *leg) handle(f *frame) error {
	if l.headers.open && f.kind != http2.FrameContinuation {
		return faultf(http2.ErrCodeProtocol, "a %s frame within a header block", f.kind)
	}
	if !l.greeted && (f.kind != http2.FrameSettings || f.flags.Has(http2.FlagSettingsAck)) {
		return faultf(http2.ErrCodeProtocol, "a %s frame before the first settings", f.kind)
	}
	switch f.kind {
	case http2.FrameData:
		return l.onData(f)
	case http2.FrameHeaders, http2.FrameContinuation:
		return l.onHeaderFrame(f)
	case http2.FrameRSTStream:
		return l.onReset(f)
	case http2.FrameWindowUpdate:
		return l.onWindow(f)
	case http2.FrameSettings:
		return l.onSettings(f)
	case http2.FramePing:
		return l.onPing(f)
	case http2.FrameGoAway:
		return l.onGoAway(f)
	case http2.FramePriority:
		return l.onPriority(f)
	case http2.FramePushPromise:
		return faultf(http2.ErrCodeProtocol, "a PUSH_PROMISE frame from a peer that may not send it")
	default:
		return nil
	}
}

// find returns a stream that the leg takes part in. It is nil if that has
// ended; the error says that there never was one.
func (l *leg) find(f *frame) (*stream, error) {
	if f.id == 0 {
		return nil, faultf(http2.ErrCodeProtocol, "a %s frame for no stream", f.kind)
	}
	s := l.sw.streams[f.id]
	if l.role == roleHost {
		if s == nil && (f.id > l.sw.last || f.id%2 == 0) {
			return nil, faultf(http2.ErrCodeProtocol, "a %s frame for idle stream %d", f.kind, f.id)
		}
		return s, nil
	}
	if f.id > l.opened || f.id%2 == 0 {
		return nil, faultf(http2.ErrCodeProtocol, "a %s frame for idle stream %d", f.kind, f.id)
	}
	if s == nil || s.leg != l {
		return nil, nil
	}
	return s, nil
}

func (l *leg) onReset(f *frame) error {
	if err := f.want(4); err != nil {
		return err
	}
	s, err := l.find(f)
	if s == nil {
		return err
	}
	code := http2.ErrCode(uint32(f.payload[0])<<24 | uint32(f.payload[1])<<16 | uint32(f.payload[2])<<8 | uint32(f.payload[3]))
	if l.role == roleHost {
		l.sw.hostReset(s, code)
	} else {
		l.sw.targetReset(s, code)
	}
	return nil
}

func (l *leg) onWindow(f *frame) error {
	if err := f.want(4); err != nil {
		return err
	}
	more := int64(f.uint31())
	if f.id == 0 {
		switch l.sendWindow += more; {
		case more == 0:
			return faultf(http2.ErrCodeProtocol, "a WINDOW_UPDATE frame of 0 bytes")
		case l.sendWindow > maxWindow:
			return faultf(http2.ErrCodeFlowControl, "a connection window of %d bytes", l.sendWindow)
		}
		if l.role == roleChild && l.sendWindow <= more && l.sw.pressure.on {
			l.sw.regrant() // it was closed
		}
		return nil // flush goes on with what waited
	}
	s, err := l.find(f)
	if s == nil {
		return err
	}
	d := s.toward(l)
	switch d.sendWindow += more; {
	case more == 0:
		return streamFault{f.id, http2.ErrCodeProtocol, "a WINDOW_UPDATE frame of 0 bytes"}
	case d.sendWindow > maxWindow:
		return streamFault{f.id, http2.ErrCodeFlowControl, "the window is too large"}
	}
	d.line()
	d.grant()
	return nil
}

// onPriority checks a frame that means nothing here.
func (l *leg) onPriority(f *frame) error {
	switch {
	case f.id == 0:
		return faultf(http2.ErrCodeProtocol, "a PRIORITY frame for no stream")
	case len(f.payload) != 5:
		return streamFault{f.id, http2.ErrCodeFrameSize, "a PRIORITY frame of another length than 5"}
	case f.uint31() == f.id:
		return streamFault{f.id, http2.ErrCodeProtocol, "it depends on itself"}
	}
	return nil
}
