package services

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// On a multiplexed connection nothing is announced. Who dials a service id
// knocks for it, the other side answers when it accepts that id, and the next
// stream that the dialing side opens is the connection (go-plugin contract,
// section 4).

// knocking is the state of a Broker's knocks. Its maps need Broker.mu.
type knocking struct {
	turn  chan struct{}                            // held by the one dial under way
	acks  map[uint32]chan *pluginpb.ConnInfo_Knock // that dials wait for
	early map[uint32]*time.Timer                   // knocks for ids that nobody accepts yet
}

func newKnocking() knocking {
	return knocking{
		turn:  make(chan struct{}, 1),
		acks:  make(map[uint32]chan *pluginpb.ConnInfo_Knock),
		early: make(map[uint32]*time.Timer),
	}
}

// acceptMux listens for the streams of id and answers a knock that came before.
func (b *Broker) acceptMux(ctx context.Context, id uint32) (net.Listener, error) {
	mux, err := b.cfg.Mux(ctx)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerListen, ID: id, Err: err}
	}
	listener, err := mux.Listen(id)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerListen, ID: id, Err: err}
	}
	b.mu.Lock()
	waiting := b.knocks.early[id]
	delete(b.knocks.early, id)
	b.mu.Unlock()
	if waiting != nil && waiting.Stop() {
		b.acknowledge(id, mux.Expect(id))
	}
	return listener, nil
}

// dialMux knocks for id and opens the stream that the peer then expects.
func (b *Broker) dialMux(ctx context.Context, id uint32) (net.Conn, error) {
	mux, err := b.cfg.Mux(ctx)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerConnect, ID: id, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, brokerWait)
	defer cancel()
	select {
	case b.knocks.turn <- struct{}{}:
		defer func() { <-b.knocks.turn }()
	case <-b.closed.done:
		return nil, &BrokerError{Reason: BrokerClosed, ID: id}
	case <-ctx.Done():
		return nil, &BrokerError{Reason: BrokerTimeout, ID: id, Err: ctx.Err()}
	}
	if err := b.knock(ctx, id); err != nil {
		return nil, err
	}
	conn, err := mux.Open(ctx)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerConnect, ID: id, Err: err}
	}
	return conn, nil
}

// knock asks for id and waits until the peer is ready.
func (b *Broker) knock(ctx context.Context, id uint32) error {
	answered := make(chan *pluginpb.ConnInfo_Knock, 1)
	b.mu.Lock()
	b.knocks.acks[id] = answered
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.knocks.acks, id)
	}()
	err := b.announce(ctx, &pluginpb.ConnInfo{ServiceId: id, Knock: &pluginpb.ConnInfo_Knock{Knock: true}})
	if err != nil {
		return b.notAnnounced(id, err)
	}
	select {
	case answer := <-answered:
		if answer.GetError() != "" {
			return &BrokerError{Reason: BrokerRefused, ID: id, Err: errors.New(answer.GetError())}
		}
		return nil
	case <-b.closed.done:
		return &BrokerError{Reason: BrokerClosed, ID: id}
	case <-ctx.Done():
		return &BrokerError{Reason: BrokerTimeout, ID: id, Err: ctx.Err()}
	}
}

// knocked handles a knock of the peer, or its answer to ours.
func (b *Broker) knocked(id uint32, knock *pluginpb.ConnInfo_Knock) {
	if b.cfg.Mux == nil || !knock.GetKnock() {
		return
	}
	mux, err := b.cfg.Mux(context.Background())
	if err != nil {
		return
	}
	if knock.GetAck() {
		b.answered(mux, id, knock)
		return
	}
	b.mu.Lock()
	if b.closed.fired() {
		b.mu.Unlock()
		return
	}
	err = mux.Expect(id)
	if err != nil && b.knocks.early[id] == nil && len(b.knocks.early) < brokerPending {
		b.knocks.early[id] = time.AfterFunc(brokerWait, func() { b.unanswered(id) })
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	b.acknowledge(id, err)
}

// answered hands an answer to the dial that waits for it. The peer expects a
// stream now: if nobody waits any more, it gets an empty one, so that the next
// dial's is not mistaken for it.
func (b *Broker) answered(mux *transport.Mux, id uint32, answer *pluginpb.ConnInfo_Knock) {
	b.mu.Lock()
	waiting := b.knocks.acks[id]
	delete(b.knocks.acks, id)
	b.mu.Unlock()
	if waiting != nil {
		waiting <- answer
		return
	}
	if answer.GetError() != "" {
		return
	}
	if stream, err := mux.Open(context.Background()); err == nil {
		_ = stream.Close()
	}
}

// unanswered tells the peer that nobody has accepted id in time.
func (b *Broker) unanswered(id uint32) {
	b.mu.Lock()
	_, waits := b.knocks.early[id]
	delete(b.knocks.early, id)
	b.mu.Unlock()
	if waits {
		b.acknowledge(id, &BrokerError{Reason: BrokerTimeout, ID: id})
	}
}

// acknowledge answers a knock; refusal is nil when the peer may dial.
func (b *Broker) acknowledge(id uint32, refusal error) {
	answer := &pluginpb.ConnInfo_Knock{Knock: true, Ack: true}
	if refusal != nil {
		answer.Error = refusal.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), brokerWait)
	defer cancel()
	_ = b.announce(ctx, &pluginpb.ConnInfo{ServiceId: id, Knock: answer}) // without a stream nobody asks any more
}

// closeKnocks ends what waits; it needs b.mu.
func (b *Broker) closeKnocks() {
	for id, timer := range b.knocks.early {
		timer.Stop()
		delete(b.knocks.early, id)
	}
}
