package services

import (
	"context"
	"errors"
	"net"

	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// dialing is one dial. It gets the stream of its answer, or why there is none.
type dialing struct {
	id     uint32
	opened chan muxOpened // room for one
}

type muxOpened struct {
	conn net.Conn
	err  error
}

// dialMux knocks for id and returns the stream that the peer then expects. The
// wait for the answer begins with the dial's turn.
func (b *Broker) dialMux(ctx context.Context, id uint32) (net.Conn, error) {
	mux, err := b.session(ctx)
	if b.closed.fired() {
		return nil, &BrokerError{Reason: BrokerClosed, ID: id}
	}
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return nil, &BrokerError{Reason: BrokerTimeout, ID: id, Err: ctx.Err()}
	}
	if err != nil {
		return nil, &BrokerError{Reason: BrokerConnect, ID: id, Err: err}
	}
	select {
	case b.knocks.turn <- struct{}{}:
		defer func() { <-b.knocks.turn }()
	case <-b.closed.done:
		return nil, &BrokerError{Reason: BrokerClosed, ID: id}
	case <-mux.Done():
		return nil, &BrokerError{Reason: BrokerConnect, ID: id, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &BrokerError{Reason: BrokerTimeout, ID: id, Err: ctx.Err()}
	}
	return b.knock(ctx, mux, id)
}

// knock asks for id and waits until the peer has answered.
func (b *Broker) knock(ctx context.Context, mux *transport.Mux, id uint32) (net.Conn, error) {
	waited, cancel := context.WithTimeout(ctx, b.knocks.wait)
	defer cancel()
	go func() { // without its session no stream of the peer's comes either
		select {
		case <-mux.Done():
			cancel()
		case <-waited.Done():
		}
	}()
	d := &dialing{id: id, opened: make(chan muxOpened, 1)}
	b.mu.Lock()
	b.knocks.dial = d
	b.knocks.asked[id]++
	b.mu.Unlock()
	err := b.announce(waited, &pluginpb.ConnInfo{ServiceId: id, Knock: &pluginpb.ConnInfo_Knock{Knock: true}})
	if err != nil {
		b.mu.Lock()
		b.settle(id)
		b.mu.Unlock()
		if lost(mux) {
			err = &BrokerError{Reason: BrokerConnect, ID: id, Err: net.ErrClosed}
		} else {
			err = b.notAnnounced(id, err)
		}
		return b.giveUp(d, err)
	}
	select {
	case got := <-d.opened:
		return got.conn, got.err
	case <-b.closed.done:
		return b.giveUp(d, &BrokerError{Reason: BrokerClosed, ID: id})
	case <-waited.Done():
		if lost(mux) {
			return b.giveUp(d, &BrokerError{Reason: BrokerConnect, ID: id, Err: net.ErrClosed})
		}
		return b.giveUp(d, &BrokerError{Reason: BrokerTimeout, ID: id, Err: ctx.Err()})
	}
}

// lost reports whether a session has ended.
func lost(mux *transport.Mux) bool {
	select {
	case <-mux.Done():
		return true
	default:
		return false
	}
}

// giveUp ends a dial without an answer. Its knock stays asked: the answer may
// still come.
func (b *Broker) giveUp(d *dialing, err error) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.knocks.dial = nil
	select {
	case got := <-d.opened: // it came at the last moment
		if got.conn != nil {
			_ = got.conn.Close()
		}
	default:
	}
	return nil, err
}

// settle reports whether a knock for id was asked, and counts it as answered;
// it needs b.mu.
func (b *Broker) settle(id uint32) bool {
	count := b.knocks.asked[id]
	if count <= 1 {
		delete(b.knocks.asked, id)
	} else {
		b.knocks.asked[id] = count - 1
	}
	return count > 0
}

// answered opens the stream that the peer expects now and hands it to the dial
// that waits. If none does any more, the stream ends empty, so that the next
// dial's is not mistaken for it.
func (b *Broker) answered(mux *transport.Mux, id uint32, answer *pluginpb.ConnInfo_Knock) {
	b.mu.Lock()
	asked := b.settle(id)
	b.mu.Unlock()
	if !asked {
		return
	}
	var got muxOpened
	if answer.GetError() != "" {
		got.err = &BrokerError{Reason: BrokerRefused, ID: id, Err: errors.New(answer.GetError())}
	} else if conn, err := mux.Open(context.Background()); err != nil {
		got.err = &BrokerError{Reason: BrokerConnect, ID: id, Err: err}
	} else {
		got.conn = conn
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.knocks.dial; d != nil && d.id == id {
		b.knocks.dial = nil
		d.opened <- got
	} else if got.conn != nil {
		_ = got.conn.Close()
	}
}
