package h2switch

import (
	"encoding/binary"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/status"
)

// onHeaderFrame is a HEADERS or CONTINUATION frame.
func (l *leg) onHeaderFrame(f *frame) error {
	h := &l.headers
	if f.kind == http2.FrameHeaders {
		if f.id == 0 {
			return faultf(http2.ErrCodeProtocol, "a HEADERS frame for no stream")
		}
		if err := f.unpad(); err != nil {
			return err
		}
		h.itself = false
		if f.flags.Has(http2.FlagHeadersPriority) {
			if len(f.payload) < 5 {
				return faultf(http2.ErrCodeFrameSize, "a HEADERS frame too short for its priority")
			}
			h.itself = binary.BigEndian.Uint32(f.payload)&maxStreamID == f.id
			f.payload = f.payload[5:]
		}
	}
	whole, err := h.take(f)
	if err != nil || !whole {
		return err
	}
	if h.itself {
		h.fault = "it depends on itself"
	}
	if l.role == roleHost {
		return l.sw.hostHeaders(h)
	}
	return l.targetHeaders(h)
}

// hostHeaders is the head of a request, or its trailers.
func (sw *switchboard) hostHeaders(h *headerReader) error {
	id := h.id
	s := sw.streams[id]
	switch {
	case id%2 == 0:
		return faultf(http2.ErrCodeProtocol, "a HEADERS frame for stream %d, which is a server's", id)
	case s != nil:
		return s.hostTrailers(h)
	case id <= sw.last:
		switch sw.closed.find(id) {
		case endByUs:
			return nil
		case endByHost:
			return faultf(http2.ErrCodeStreamClosed, "a HEADERS frame for stream %d, which has ended", id)
		default:
			return faultf(http2.ErrCodeProtocol, "a HEADERS frame for stream %d after stream %d", id, sw.last)
		}
	}
	sw.last = id
	code := http2.ErrCodeNo
	fault := h.badRequest()
	switch {
	case fault != "":
		code = http2.ErrCodeProtocol
	case sw.farewell.final:
		code, fault = http2.ErrCodeRefusedStream, "it was opened after GOAWAY"
	case len(sw.streams) >= sw.cfg.Limits.Streams:
		code, fault = http2.ErrCodeRefusedStream, "too many streams are open"
	}
	if code != http2.ErrCodeNo {
		sw.closed.note(id, endByUs)
		return streamFault{id, code, fault}
	}
	sw.route(h)
	return nil
}

// route opens a stream and passes it on.
func (sw *switchboard) route(h *headerReader) {
	local := !h.large && sw.cfg.IsLocal(h.pseudo[pseudoPath])
	s := sw.open(h.id, local)
	s.up.ended = h.end
	switch {
	case h.large:
		s.answer(tooLarge(h.size, int64(h.limit)))
	case local:
		s.start(sw.local, h.fields)
	default:
		if sw.cfg.Admit != nil {
			if err := sw.cfg.Admit(h.pseudo[pseudoPath]); err != nil {
				s.answer(status.Convert(err))
				return
			}
		}
		sw.admit(s, h.fields)
	}
}

func (s *stream) hostTrailers(h *headerReader) error {
	fault := h.badTrailers()
	switch {
	case s.up.ended:
		return streamFault{s.id, http2.ErrCodeStreamClosed, "a HEADERS frame after its end"}
	case !h.end:
		return streamFault{s.id, http2.ErrCodeProtocol, "a second HEADERS frame that does not end it"}
	case fault != "":
		return streamFault{s.id, http2.ErrCodeProtocol, fault}
	case h.large:
		return streamFault{s.id, http2.ErrCodeEnhanceYourCalm, "trailers beyond the limit"}
	case s.deaf:
		s.up.ended = true
		s.up.swallow()
	default:
		s.up.end(h.fields)
	}
	return nil
}

// targetHeaders is the head of a response, or its trailers.
func (l *leg) targetHeaders(h *headerReader) error {
	s, err := l.find(&frame{kind: http2.FrameHeaders, id: h.id})
	if s == nil {
		return err
	}
	fault := ""
	switch {
	case s.down.ended:
		return streamFault{s.id, http2.ErrCodeStreamClosed, "a HEADERS frame after its end"}
	case !s.answered:
		fault = h.badResponse()
	case !h.end:
		fault = "a second head"
	default:
		fault = h.badTrailers()
	}
	if fault != "" {
		return streamFault{s.id, http2.ErrCodeProtocol, fault}
	}
	if size := int64(h.size); h.large || size > l.sw.host.maxList {
		l.appendReset(s.id, http2.ErrCodeCancel)
		s.answer(tooLarge(h.size, min(int64(h.limit), l.sw.host.maxList)))
		return nil
	}
	if h.end {
		s.down.end(l.amend(s, h.fields))
		return nil
	}
	s.answered = !h.informational()
	l.sw.host.appendHeaders(s.id, h.fields, false)
	return nil
}
