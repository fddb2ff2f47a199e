package services

import (
	"context"
	"net"
	"runtime"
	"time"
)

// SetKnockWait changes how long b holds knocks, before it is used.
func SetKnockWait(b *Broker, wait time.Duration) { b.knocks.wait = wait }

// AwaitEarly returns once b holds a knock for id, or can hold none any more.
func AwaitEarly(b *Broker, id uint32) {
	for !b.closed.fired() {
		b.mu.Lock()
		held := b.knocks.early[id] != nil
		b.mu.Unlock()
		if held {
			return
		}
		runtime.Gosched()
	}
}

// ConfigOf returns what b was made with.
func ConfigOf(b *Broker) BrokerConfig { return b.cfg }

// RawDial is Dial without gRPC.
func RawDial(ctx context.Context, b *Broker, id uint32) (net.Conn, error) {
	at, err := b.await(ctx, id)
	if err != nil {
		return nil, err
	}
	return b.reach(ctx, func(ctx context.Context) (net.Conn, error) { return b.connect(ctx, id, at) })
}
