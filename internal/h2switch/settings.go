package h2switch

import (
	"encoding/binary"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// tableSize is HPACK's default, which suits us both ways.
const tableSize = 4096

func (l *leg) onSettings(f *frame) error {
	switch {
	case f.id != 0:
		return faultf(http2.ErrCodeProtocol, "a SETTINGS frame for stream %d", f.id)
	case f.flags.Has(http2.FlagSettingsAck):
		if err := f.want(0); err != nil {
			return err
		}
		l.confirmed()
		return nil
	case len(f.payload)%6 != 0:
		return faultf(http2.ErrCodeFrameSize, "a SETTINGS frame of %d bytes", len(f.payload))
	}
	initial := l.peerInitial
	for p := f.payload; len(p) > 0; p = p[6:] {
		s := http2.Setting{ID: http2.SettingID(binary.BigEndian.Uint16(p)), Val: binary.BigEndian.Uint32(p[2:])}
		if err := l.apply(s, &initial); err != nil {
			return err
		}
	}
	l.out = appendHeader(l.out, 0, http2.FrameSettings, http2.FlagSettingsAck, 0)
	first := !l.greeted
	l.greeted = true
	if err := l.changeInitial(initial); err != nil {
		return err
	}
	switch {
	case l.role == roleHost && first:
		return l.sw.begin()
	case l.role == roleChild:
		if first && l.silence != nil {
			l.silence.Stop()
		}
		l.sw.tried = false
		if first && l.sw.cfg.Spoke != nil {
			l.sw.wg.Go(l.sw.cfg.Spoke)
		}
		l.sw.release()
	}
	return nil
}

func (l *leg) apply(s http2.Setting, initial *int64) error {
	if l.role != roleHost && s.ID == http2.SettingEnablePush && s.Val != 0 {
		return faultf(http2.ErrCodeProtocol, "a server that enables pushes")
	}
	if err := s.Valid(); err != nil {
		code := http2.ErrCodeProtocol
		if s.ID == http2.SettingInitialWindowSize {
			code = http2.ErrCodeFlowControl
		}
		return faultf(code, "the setting %v", s)
	}
	switch s.ID {
	case http2.SettingHeaderTableSize:
		l.encoder.SetMaxDynamicTableSizeLimit(min(s.Val, tableSize))
		l.encoder.SetMaxDynamicTableSize(min(s.Val, tableSize))
	case http2.SettingInitialWindowSize:
		*initial = int64(s.Val)
	case http2.SettingMaxConcurrentStreams:
		l.maxStreams = int64(s.Val)
	case http2.SettingMaxHeaderListSize:
		l.maxList = int64(s.Val)
	default: // that peers take frames of 16384 bytes is all that matters
	}
	return nil
}

// changeInitial applies the peer's initial window to the streams that it has,
// and tells those who send to them.
func (l *leg) changeInitial(initial int64) error {
	delta := initial - l.peerInitial
	if delta == 0 {
		return nil
	}
	l.peerInitial = initial
	sw := l.sw
	most := min(initial, int64(sw.cfg.Limits.StreamWindow))
	switch l.role {
	case roleHost:
		for _, to := range sw.legs {
			if to.role != roleHost && most > to.initial {
				to.announce(most)
			}
		}
	case roleChild:
		if most > sw.pressure.initial(sw.host) {
			sw.pressure.raise(sw.host, most)
		}
	case roleLocal:
	}
	for _, s := range sw.streams {
		d := s.toward(l)
		if d.to != l {
			continue
		}
		if d.sendWindow += delta; d.sendWindow > maxWindow {
			return faultf(http2.ErrCodeFlowControl, "the initial window makes stream %d's too large", s.id)
		}
		d.line()
		d.grant()
	}
	return nil
}

// announce changes our initial window, also that of the streams that the peer
// has.
func (l *leg) announce(initial int64) {
	delta := initial - l.initial
	l.initial = initial
	l.appendSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(initial)})
	if delta < 0 {
		l.slack -= delta // until it knows
	}
	for _, s := range l.sw.streams {
		if d := s.from(l); d.source == l {
			d.recvWindow += delta
		}
	}
}

// confirmed is the peer's acknowledgement of settings.
func (l *leg) confirmed() {
	if l.unacked == 0 {
		return
	}
	if l.unacked--; l.unacked > 0 {
		return
	}
	l.slack = 0
	if l.role == roleHost {
		l.sw.pressure.confirmed(l)
	}
}

// listSize is the size of a header list by RFC 9113, section 6.5.2.
func listSize(fields []hpack.HeaderField) int {
	size := 0
	for i := range fields {
		size += int(fields[i].Size())
	}
	return size
}
