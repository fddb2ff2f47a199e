package services

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// secureWait bounds the TLS handshake of a relayed connection.
const secureWait = 10 * time.Second

// secure is a connection that the peer has opened, TLS done. After an error it
// is closed.
func (b *Broker) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if b.cfg.ServerTLS == nil {
		return conn, nil
	}
	return shake(ctx, tls.Server(conn, b.cfg.ServerTLS))
}

// reach opens a connection to the peer, and does TLS there.
func (b *Broker) reach(ctx context.Context, open func(context.Context) (net.Conn, error)) (net.Conn, error) {
	conn, err := open(ctx)
	if err != nil || b.cfg.ClientTLS == nil {
		return conn, err
	}
	config := b.cfg.ClientTLS
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = "localhost" // as gRPC would have it, see Dial
	}
	return shake(ctx, tls.Client(conn, config))
}

func shake(ctx context.Context, conn *tls.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, secureWait)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// OpenMain opens a further stream to the peer's main server on a multiplexed
// connection, while no dial is under way whose stream it could be taken for
// (go-plugin contract, section 4). The caller closes it.
func (b *Broker) OpenMain(ctx context.Context) (net.Conn, error) {
	mux, err := b.session(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case b.knocks.turn <- struct{}{}:
		defer func() { <-b.knocks.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return mux.Open(ctx)
}

// takeStream grants the knock that waits for id and returns the stream that
// comes for it, TLS done.
func (b *Broker) takeStream(ctx context.Context, id uint32) (net.Conn, error) {
	mux, err := b.session(ctx)
	if err != nil {
		return nil, err
	}
	// Which id a stream is for was said beforehand and is not on it: within the
	// session one that no other stream has will do.
	own := b.NextID()
	listener, err := mux.Listen(own)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.knocks.wait)
	defer cancel()
	uncut := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer uncut()
	defer func() { _ = listener.Close() }()
	if err := b.grant(mux, id, own); err != nil {
		return nil, err
	}
	conn, err := listener.Accept()
	if err != nil {
		return nil, err
	}
	return b.secure(ctx, conn)
}

// grant tells the peer that its knock for id is answered: by the stream that we
// know as own.
func (b *Broker) grant(mux *transport.Mux, id, own uint32) error {
	b.knocks.admitting.Lock()
	defer b.knocks.admitting.Unlock()
	if !b.takeEarly(id) {
		return errKnockGone
	}
	err := mux.Expect(own)
	b.acknowledge(id, err)
	return err
}

var errKnockGone = errors.New("the knock was given up")

// expect has the peer's next stream be for id. While a relay runs nobody accepts
// anything here.
func (b *Broker) expect(mux *transport.Mux, id uint32) error {
	if b.heard != nil {
		return &transport.Error{Reason: transport.ReasonRefused, Found: "a service id that the other side was not asked for"}
	}
	return mux.Expect(id)
}

// splice passes bytes on, both ways, until both connections have ended, one has
// broken or ctx is done, and closes them.
func splice(ctx context.Context, one, other net.Conn) {
	end := func() {
		for _, conn := range []net.Conn{one, other} {
			_ = conn.SetDeadline(time.Unix(1, 0)) // wakes who reads or writes, whatever Close does
			_ = conn.Close()
		}
	}
	defer end()
	uncut := context.AfterFunc(ctx, end)
	defer uncut()
	back := make(chan struct{})
	go func() {
		defer close(back)
		if passOn(one, other) != nil {
			end()
		}
	}()
	if passOn(other, one) != nil {
		end()
	}
	<-back
}

// passOn passes bytes on until from has ended, and then says so.
func passOn(to, from net.Conn) error {
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return to.Close() // of a stream of a multiplexed connection that is one half
}
