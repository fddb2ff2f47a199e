package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// On a multiplexed connection nothing is announced. Who dials a service id
// knocks for it, the other side answers when it accepts that id, and the next
// stream that the dialing side opens is the connection (go-plugin contract,
// section 4). So both sides keep to one order: who accepts expects streams in
// the order of its answers, and who dials opens them in that order.

// knocking is the state of a Broker's knocks.
type knocking struct {
	wait      time.Duration // how long a knock is held, by either side
	turn      chan struct{} // held by the one dial under way
	admitting sync.Mutex    // held from expecting a stream until that is said; taken before Broker.mu

	// These need Broker.mu.

	dial  *dialing               // that waits for an answer, or nil
	asked map[uint32]int         // knocks that the peer has not answered
	early map[uint32]*time.Timer // the peer's, for ids that nobody accepts yet
}

func newKnocking() knocking {
	return knocking{
		wait:  brokerWait,
		turn:  make(chan struct{}, 1),
		asked: make(map[uint32]int),
		early: make(map[uint32]*time.Timer),
	}
}

// session waits for the session, which a plugin has once its host has come.
func (b *Broker) session(ctx context.Context) (*transport.Mux, error) {
	ctx, cancel := context.WithTimeout(ctx, b.knocks.wait)
	defer cancel()
	go func() {
		select {
		case <-b.closed.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return b.cfg.Mux(ctx)
}

// acceptMux listens for the streams of id and answers a knock that came before.
func (b *Broker) acceptMux(ctx context.Context, id uint32) (net.Listener, error) {
	mux, err := b.session(ctx)
	if b.closed.fired() {
		return nil, &BrokerError{Reason: BrokerClosed, ID: id}
	}
	if err != nil {
		return nil, &BrokerError{Reason: BrokerListen, ID: id, Err: err}
	}
	listener, err := mux.Listen(id)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerListen, ID: id, Err: err}
	}
	b.knocks.admitting.Lock()
	defer b.knocks.admitting.Unlock()
	if b.takeEarly(id) {
		b.acknowledge(id, mux.Expect(id))
	}
	return listener, nil
}

// knocked handles a knock of the peer, or its answer to ours.
func (b *Broker) knocked(id uint32, knock *pluginpb.ConnInfo_Knock) {
	if b.cfg.Mux == nil || !knock.GetKnock() {
		return
	}
	mux, err := b.session(context.Background())
	if err != nil {
		return
	}
	if knock.GetAck() {
		b.answered(mux, id, knock)
		return
	}
	b.knocks.admitting.Lock()
	defer b.knocks.admitting.Unlock()
	if decided, refusal := b.admit(mux, id); decided {
		b.acknowledge(id, refusal)
	}
}

// admit expects a stream for id. When nobody accepts it yet, the knock waits
// and nothing is decided.
func (b *Broker) admit(mux *transport.Mux, id uint32) (decided bool, refusal error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.fired() {
		return false, nil
	}
	refusal = b.expect(mux, id)
	var typed *transport.Error
	if refusal == nil || !errors.As(refusal, &typed) || typed.Reason != transport.ReasonRefused {
		return true, refusal
	}
	switch timer := b.knocks.early[id]; {
	case timer != nil: // asked again: both get the one answer
		if timer.Stop() {
			timer.Reset(b.knocks.wait)
		}
	case len(b.knocks.early) < brokerPending:
		b.knocks.early[id] = time.AfterFunc(b.knocks.wait, func() { b.unanswered(id) })
		if b.heard != nil {
			b.heard(id)
		}
	default:
		return true, refusal
	}
	return false, nil
}

// unanswered tells the peer that nobody has accepted id in time.
func (b *Broker) unanswered(id uint32) {
	if b.takeEarly(id) {
		b.acknowledge(id, fmt.Errorf("service id %d was not accepted within %s", id, b.knocks.wait))
	}
}

// takeEarly reports whether an early knock waited for id. It does not any more.
func (b *Broker) takeEarly(id uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	timer := b.knocks.early[id]
	if timer == nil {
		return false
	}
	timer.Stop()
	delete(b.knocks.early, id)
	return true
}

// acknowledge answers a knock; refusal is nil when the peer may dial. Without a
// stream nobody asks any more.
func (b *Broker) acknowledge(id uint32, refusal error) {
	answer := &pluginpb.ConnInfo_Knock{Knock: true, Ack: true}
	if refusal != nil {
		answer.Error = refusal.Error()
	}
	b.mu.Lock()
	stream := b.stream
	b.mu.Unlock()
	if stream == nil {
		return
	}
	b.sendMu.Lock()
	defer b.sendMu.Unlock()
	_ = stream.Send(&pluginpb.ConnInfo{ServiceId: id, Knock: answer})
}

// forgetKnocks ends what waits for an answer of ours or of a peer that is gone;
// it needs b.mu.
func (b *Broker) forgetKnocks() {
	clear(b.knocks.asked)
	for id, timer := range b.knocks.early {
		timer.Stop()
		delete(b.knocks.early, id)
	}
}
