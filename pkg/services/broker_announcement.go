package services

import (
	"time"

	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// announcement is a service id that the peer announced, or that a Dial waits
// for.
type announcement struct {
	ready  chan struct{} // closed when info is set
	info   *pluginpb.ConnInfo
	expiry *time.Timer // runs from the moment info is set
	dials  int         // that wait for it
}

// announced keeps what the peer announced for a Dial, at most brokerWait.
func (b *Broker) announced(info *pluginpb.ConnInfo) {
	if knock := info.GetKnock(); knock != nil {
		b.knocked(info.GetServiceId(), knock)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.fired() {
		return
	}
	id := info.GetServiceId()
	a := b.pending[id]
	switch {
	case a == nil && len(b.pending) >= brokerPending:
		return
	case a == nil:
		a = &announcement{ready: make(chan struct{})}
		b.pending[id] = a
	case a.info != nil:
		return // announced twice: the first one stands
	}
	a.info = info
	close(a.ready)
	a.expiry = time.AfterFunc(brokerWait, func() { b.forget(id, a) })
	if b.heard != nil {
		b.heard(id)
	}
}

// awaited returns the announcement of id, announced or still to come. Each
// call is followed by one of release.
func (b *Broker) awaited(id uint32) *announcement {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.pending[id]
	if a == nil {
		a = &announcement{ready: make(chan struct{})}
		b.pending[id] = a
	}
	a.dials++
	return a
}

// release forgets an announcement that was taken, and one that nobody waits
// for any more.
func (b *Broker) release(id uint32, a *announcement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.dials--
	if a.info != nil || a.dials == 0 {
		b.remove(id, a)
	}
}

// forget ends an announcement that has expired.
func (b *Broker) forget(id uint32, a *announcement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(id, a)
}

// remove needs b.mu.
func (b *Broker) remove(id uint32, a *announcement) {
	if b.pending[id] != a {
		return
	}
	if a.expiry != nil {
		a.expiry.Stop()
	}
	delete(b.pending, id)
}
