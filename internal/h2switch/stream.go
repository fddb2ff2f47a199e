package h2switch

import (
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
)

// stream is one stream of the host. It has the same id at its server.
type stream struct {
	sw    *switchboard
	id    uint32
	local bool
	leg   *leg // its server, where it is open; nil before and after
	up    direction
	down  direction

	waiting  bool                // for the child
	head     []hpack.HeaderField // while it waits
	headSize int

	answered bool // the response's head is passed on
	deaf     bool // the server has said all, or is gone: nobody takes what the host sends
	gone     bool // forgotten

	resetAfter bool // what is to follow the answer if the host has not ended its side
	resetCode  http2.ErrCode

	meter meter // of messages to the child
}

// toward is the direction whose receiver is at a leg.
func (s *stream) toward(l *leg) *direction {
	if l.role == roleHost {
		return &s.down
	}
	return &s.up
}

// from is the direction whose sender is at a leg.
func (s *stream) from(l *leg) *direction {
	if l.role == roleHost {
		return &s.up
	}
	return &s.down
}

// open makes a stream that the host has opened.
func (sw *switchboard) open(id uint32, local bool) *stream {
	s := &stream{sw: sw, id: id, local: local}
	s.up = direction{s: s, source: sw.host, recvWindow: sw.host.initial}
	s.down = direction{s: s, to: sw.host, sendWindow: sw.host.peerInitial}
	sw.streams[id] = s
	return s
}

// start passes a stream's head on to its server.
func (s *stream) start(l *leg, head []hpack.HeaderField) {
	l.opened = s.id
	if int64(listSize(head)) > l.maxList {
		s.answer(tooLarge(listSize(head), l.maxList))
		return
	}
	s.leg = l
	l.open++
	s.up.to, s.up.sendWindow = l, l.peerInitial
	s.down.source, s.down.recvWindow = l, l.initial
	empty := s.up.queue.size == 0
	s.up.passed = empty && s.up.ended && s.up.trailers == nil
	l.appendHeaders(s.id, head, s.up.passed)
	if empty && s.up.trailers != nil {
		s.up.sendTrailers(s.up.trailers)
	}
	s.up.line()
	s.up.grant()
	s.down.grant()
}

// answer ends a stream with a status of our own.
func (s *stream) answer(st *status.Status) {
	s.detach()
	s.leaveQueue()
	s.resetAfter, s.resetCode = true, http2.ErrCodeNo
	switch {
	case !s.down.ended:
		s.down.end(statusFields(st, !s.answered))
	case s.down.passed:
		s.answerPassed()
	}
}

// hush drops what the host has sent and its server will not take.
func (s *stream) hush() {
	s.deaf = true
	s.up.drop()
	if !s.up.ended || s.up.passed {
		return
	}
	s.up.passed = true
	if s.leg != nil {
		s.leg.appendReset(s.id, http2.ErrCodeNo)
		s.detach()
	}
}

// answerPassed follows the end of the answer.
func (s *stream) answerPassed() {
	s.hush()
	if s.resetAfter && !s.up.ended {
		s.sw.host.appendReset(s.id, s.resetCode)
		s.forget(endByUs)
		return
	}
	s.settle()
}

// settle forgets a stream that both sides have ended.
func (s *stream) settle() {
	if s.up.passed && s.down.passed {
		s.forget(endByHost)
	}
}

// detach takes a stream away from its server.
func (s *stream) detach() {
	l := s.leg
	if l == nil {
		return
	}
	s.leg, s.up.to, s.deaf = nil, nil, true
	s.up.drop()
	l.open--
	l.vacated()
}

// forget removes a stream.
func (s *stream) forget(how ending) {
	if s.gone {
		return
	}
	s.gone = true
	s.leaveQueue()
	delete(s.sw.streams, s.id)
	s.sw.closed.note(s.id, how)
	s.up.drop()
	s.down.drop()
	s.detach()
	s.up.to, s.down.to = nil, nil
	s.sw.checkFarewell()
}

// hostReset is the host's reset of a stream.
func (sw *switchboard) hostReset(s *stream, code http2.ErrCode) {
	if s.leg != nil {
		s.leg.appendReset(s.id, code)
	}
	s.forget(endByHost)
}

// targetReset is a server's reset of a stream.
func (sw *switchboard) targetReset(s *stream, code http2.ErrCode) {
	s.detach()
	if !s.down.ended {
		sw.host.appendReset(s.id, code)
		how := endByUs
		if s.up.ended {
			how = endByHost
		}
		s.forget(how)
		return
	}
	s.resetAfter, s.resetCode = true, code
	if s.down.passed {
		s.answerPassed()
	}
}

// breakStream ends a stream whose peer has broken a rule.
func (sw *switchboard) breakStream(l *leg, fault streamFault) {
	sw.cfg.Logger.Debug("a stream ends for a fault", event.Failed(event.Stream, event.Relay), "peer", l.role.String(), "fault", fault)
	l.appendReset(fault.id, fault.code)
	s := sw.streams[fault.id]
	if l.role == roleHost {
		if s == nil {
			return
		}
		if s.leg != nil {
			s.leg.appendReset(s.id, http2.ErrCodeCancel)
		}
		s.forget(endByUs)
		return
	}
	if s != nil && s.leg == l {
		s.answer(brokenAnswer(fault))
	}
}
