package h2switch

import "github.com/pyvider/rpcplugin/internal/event"

// underPressure is what a stream of the child may still be sent at a time.
const underPressure = 32 << 10

// pressure keeps what waits for the child from filling the host's connection
// window, in which the local server's streams have to fit, too.
//
// When too much waits, the host's streams are given an initial window of 0:
// that takes back what their windows have left. Streams of the local server
// get theirs at once again; those of the child, while the connection to it
// takes anything. Once the host has confirmed, and not before, it is given
// credit for what waits: no stream that is stuck can use it up. What such
// streams are still sent in small portions, and get stuck with, is credited
// each time that it is too much again: it is bounded by the number of streams.
type pressure struct {
	on     bool
	normal int64 // the initial window without pressure
	held   int64 // bytes that wait for the child
}

// initial is what the host's streams begin with but for the pressure.
func (p *pressure) initial(host *leg) int64 {
	if p.on {
		return p.normal
	}
	return host.initial
}

// raise changes it.
func (p *pressure) raise(host *leg, initial int64) {
	if p.on {
		p.normal = initial
		return
	}
	host.announce(initial)
}

// hold accounts for bytes that begin or cease to wait for the child.
func (p *pressure) hold(sw *switchboard, n int64) {
	p.held += n
	limit := int64(sw.cfg.Limits.Held)
	switch {
	case !p.on && p.held > limit:
		p.on, p.normal = true, sw.host.initial
		sw.cfg.Logger.Debug("too much waits for the child: the host's windows close", event.Wait(event.Stream, event.Relay), "bytes", p.held)
		sw.host.announce(0)
		sw.regrant()
	case p.on && sw.host.unacked == 0 && sw.host.held > sw.host.advance+limit:
		sw.host.advance = sw.host.held
		sw.host.credit()
	case p.on && p.held < limit/4:
		p.on, sw.host.advance = false, 0
		sw.host.announce(p.normal)
		sw.regrant()
	}
}

// confirmed is the host's confirmation of all settings.
func (p *pressure) confirmed(host *leg) {
	if p.on {
		host.advance = host.held
		host.credit()
	}
}

// most is the largest window that a stream to a server may have.
func (p *pressure) most(d *direction, usual int64) int64 {
	if !p.on || d.s.local {
		return usual
	}
	if to := d.to; to == nil || d.queue.size > 0 || len(to.out) >= enough || to.sendWindow <= 0 {
		return 0
	}
	return underPressure
}

// regrant gives credit to streams that could not have any.
func (sw *switchboard) regrant() {
	for _, s := range sw.streams {
		s.up.grant()
	}
}
