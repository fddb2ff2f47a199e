package services

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

const (
	// relayMost bounds the listeners that a relay keeps open for either side.
	relayMost = 512
	// relayWait is how long a relayed announcement may stay undialed: the other
	// peer keeps it as long as we do, and then has to connect.
	relayWait = 2 * brokerWait
	// relayedFiles is the network whose addresses are files.
	relayedFiles = "unix"
)

// Relay makes two brokers one: each service id that the peer of either accepts
// can be dialed by the peer of the other, under the same id. What is announced
// is announced on with an address of our own; on multiplexed connections it is
// the knocks that are passed on, and their answers. TLS ends here, on both
// legs, each as its BrokerConfig says; the bytes within are passed on as they
// are. Either both brokers multiplex or none does.
//
// An announcement that nobody dials within ten seconds is withdrawn, so is one
// whose own address is gone, and beyond 512 the one that was idle for longest.
//
// Relay returns when ctx is done, or one of the brokers is closed and the last
// connection has ended; the end of ctx cuts connections. While it runs, the
// brokers' other methods are not to be used.
func Relay(ctx context.Context, one, other *Broker, logger *slog.Logger) {
	logger = event.Named(logger, "services")
	listening, end := context.WithCancel(ctx)
	defer end()
	ways := [...]*relay{
		{from: one, to: other, ctx: ctx, listening: listening, logger: logger, open: make(map[*relayed]struct{})},
		{from: other, to: one, ctx: ctx, listening: listening, logger: logger, open: make(map[*relayed]struct{})},
	}
	for _, way := range ways {
		way.from.observe(way.heard)
	}
	select {
	case <-ctx.Done():
	case <-one.closed.done:
	case <-other.closed.done:
	}
	for _, way := range ways {
		way.from.observe(nil)
	}
	end()
	for _, way := range ways {
		way.tasks.Wait()
	}
}

// observe has heard called with each id that the peer announces, or knocks for
// and nobody here accepts; with those that wait already, too. It is called with
// b.mu held. nil ends that.
func (b *Broker) observe(heard func(id uint32)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = heard
	if heard == nil {
		return
	}
	for id, a := range b.pending {
		if a.info != nil {
			heard(id)
		}
	}
	for id := range b.knocks.early {
		heard(id)
	}
}

// relay is one direction: what from's peer accepts or dials, to's peer is told.
type relay struct {
	from, to  *Broker
	ctx       context.Context // of connections
	listening context.Context // of all else
	logger    *slog.Logger
	tasks     sync.WaitGroup

	mu   sync.Mutex
	open map[*relayed]struct{}
}

// relayed is an id of one peer that the other can dial here.
type relayed struct {
	id       uint32
	at       transport.Endpoint // where it is announced
	listener net.Listener
	conns    int
	idle     time.Time // since when conns is 0
}

func (r *relay) heard(id uint32) {
	pass := r.announce
	if r.from.cfg.Mux != nil {
		pass = r.knock
	}
	r.tasks.Go(func() {
		if err := pass(id); err != nil && r.listening.Err() == nil {
			r.logger.Debug("a brokered connection cannot be relayed", event.Failed(event.Broker, event.Connect), "service_id", id, "error", err)
		}
	})
}

// announce tells to's peer of an id that from's has announced, and serves it.
func (r *relay) announce(id uint32) error {
	at, err := r.from.await(r.listening, id)
	if err != nil {
		return err
	}
	listener, err := r.to.Accept(r.listening, id)
	if err != nil {
		return err
	}
	known := &relayed{id: id, at: at, listener: listener, idle: time.Now()}
	r.add(known)
	defer r.remove(known)
	uncut := context.AfterFunc(r.listening, func() { _ = listener.Close() })
	defer uncut()
	expiry := time.AfterFunc(relayWait, func() { _ = listener.Close() })
	defer expiry.Stop()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil // it was withdrawn
		}
		expiry.Stop()
		r.count(known, 1)
		r.tasks.Go(func() {
			defer r.count(known, -1)
			if err := r.carry(known, conn); err != nil && r.ctx.Err() == nil {
				r.logger.Debug("a brokered connection has failed", event.Failed(event.Broker, event.Relay), "service_id", id, "error", err)
			}
		})
	}
}

// carry joins what came for an id with a connection to who announced it.
func (r *relay) carry(known *relayed, conn net.Conn) error {
	near, err := r.to.secure(r.ctx, conn)
	if err != nil {
		return err
	}
	reach := func(ctx context.Context) (net.Conn, error) { return r.from.connect(ctx, known.id, known.at) }
	far, err := r.from.reach(r.ctx, reach)
	if err != nil {
		_ = near.Close()
		_ = known.listener.Close() // nobody serves it any more
		return err
	}
	splice(r.ctx, near, far)
	return nil
}

// add makes a listener known, in place of the one that was idle for longest if
// there are too many.
func (r *relay) add(known *relayed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) >= relayMost {
		oldest := known
		for other := range r.open {
			if other.conns == 0 && other.idle.Before(oldest.idle) {
				oldest = other
			}
		}
		_ = oldest.listener.Close()
	}
	r.open[known] = struct{}{}
}

func (r *relay) remove(known *relayed) {
	_ = known.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, known)
}

// count counts connections. After the last one it is seen whether the id is
// served still.
func (r *relay) count(known *relayed, change int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known.conns += change
	if known.conns > 0 {
		return
	}
	known.idle = time.Now()
	if _, err := os.Lstat(known.at.Address); known.at.Network == relayedFiles && errors.Is(err, fs.ErrNotExist) {
		_ = known.listener.Close()
	}
}

// knock passes a knock of from's peer on to to's, opens a stream there if that
// is granted, and joins it with the stream that from's peer then opens.
func (r *relay) knock(id uint32) error {
	bounded, cancel := context.WithTimeout(r.listening, r.to.knocks.wait)
	defer cancel()
	far, err := r.to.reach(bounded, func(ctx context.Context) (net.Conn, error) { return r.to.dialMux(ctx, id) })
	if err != nil {
		if r.from.takeEarly(id) {
			r.from.acknowledge(id, err)
		}
		return err
	}
	near, err := r.from.takeStream(r.listening, id)
	if err != nil {
		_ = far.Close()
		return err
	}
	splice(r.ctx, near, far)
	return nil
}
