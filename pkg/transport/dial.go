package transport

import (
	"context"
	"net"
	"time"
)

// Connect dials an endpoint of either network with the defaults of its transport.
// ctx bounds the dial, not the connection, which the caller closes.
func Connect(ctx context.Context, endpoint Endpoint) (net.Conn, error) {
	if endpoint.Network == NetworkTCP {
		return NewTCP(TCPConfig{}).Connect(ctx, endpoint)
	}
	return NewUnix(UnixConfig{}).Connect(ctx, endpoint)
}

// The pauses between attempts at a unix listener whose queue is full.
const (
	firstBusyPause = time.Millisecond
	lastBusyPause  = 50 * time.Millisecond
)

// connect dials endpoint as a call of the registry, for timeout at most.
func (r *registry) connect(ctx context.Context, endpoint Endpoint, timeout time.Duration) (net.Conn, error) {
	ctx, end, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if timeout <= 0 {
		timeout = DefaultDialTimeout
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	conn, err := dialPatiently(bounded, endpoint)
	if err != nil {
		e := classify(bounded, endpoint.Address, err)
		if e.Reason == ReasonTimeout && endsEarlier(bounded, ctx) {
			e.Expected = "an answer within " + timeout.String()
		}
		return nil, e
	}
	if r.isClosed() {
		_ = conn.Close()
		return nil, &Error{Reason: ReasonClosed, Found: endpoint.Address, Err: net.ErrClosed}
	}
	return conn, nil
}

// endsEarlier reports whether inner has a deadline of its own, not that of outer.
func endsEarlier(inner, outer context.Context) bool {
	own, _ := inner.Deadline()
	callers, has := outer.Deadline()
	return !has || own.Before(callers)
}

// dialPatiently dials until ctx ends as long as the answer is "queue full": the
// system says so at once for unix sockets, where TCP would wait.
func dialPatiently(ctx context.Context, endpoint Endpoint) (net.Conn, error) {
	var dialer net.Dialer
	for pause := firstBusyPause; ; pause = min(2*pause, lastBusyPause) {
		conn, err := dialer.DialContext(ctx, endpoint.Network, endpoint.Address)
		if err == nil || !isBusy(err) {
			return conn, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}
