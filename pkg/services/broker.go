package services

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

const (
	// brokerWait is how long an announcement is waited for, and how long one
	// that nobody dials is kept.
	brokerWait = 5 * time.Second
	// brokerPending bounds the announcements that a peer can make us keep.
	brokerPending = 4096
)

// BrokerConfig says how a Broker listens and dials.
type BrokerConfig struct {
	// Listen opens the listener of one accepted service. The Broker's caller
	// closes it. Required for Accept and Serve.
	Listen func(context.Context) (*transport.Listener, error)
	// Announce turns the endpoint of an accepted service into one that the
	// peer can dial, where they differ; nil: they do not.
	Announce func(transport.Endpoint) (transport.Endpoint, error)
	// Connect reaches an announced endpoint. Required for Dial.
	Connect func(context.Context, transport.Endpoint) (net.Conn, error)
	// ServerTLS protects accepted services, ClientTLS dialed ones: the
	// configurations of the main connection. nil means no TLS.
	ServerTLS, ClientTLS *tls.Config
	// Mux returns the session of a multiplexed connection, which carries the
	// brokered ones then; Listen and Connect are not used. nil means that
	// multiplexing was not agreed on.
	Mux func(context.Context) (*transport.Mux, error)
}

// Broker opens further connections between a host and its plugin, in either
// direction: one side accepts a service id and announces where, the other
// dials that id (go-plugin contract, section 4). Both sides use this type.
//
// Plugins get theirs from server.Server.Broker and hosts from
// client.Client.Broker, ready for NextID, Accept, Serve and Dial; the other
// methods are for who makes one: a plugin registers it, a host calls Run.
//
// The zero value is not usable, see NewBroker. All methods may be called
// concurrently.
type Broker struct {
	pluginpb.UnimplementedGRPCBrokerServer

	cfg    BrokerConfig
	lastID atomic.Uint32
	opened onceSignal // the peer has opened the stream
	closed onceSignal // Close was called

	sendMu sync.Mutex // held while a message is sent

	mu       sync.Mutex
	stream   brokerStream             // the newest, nil before the first
	attached chan struct{}            // closed and replaced when stream changes
	pending  map[uint32]*announcement // by service id
	knocks   knocking
	heard    func(id uint32) // see observe
}

// brokerStream is what both ends of StartStream have.
type brokerStream interface {
	Send(*pluginpb.ConnInfo) error
	Recv() (*pluginpb.ConnInfo, error)
}

// NewBroker returns a Broker. Its owner calls Close.
func NewBroker(cfg BrokerConfig) *Broker {
	return &Broker{
		cfg:      cfg,
		opened:   newOnceSignal(),
		closed:   newOnceSignal(),
		attached: make(chan struct{}),
		pending:  make(map[uint32]*announcement),
		knocks:   newKnocking(),
	}
}

// Register adds the plugin's half to r under its name on the wire.
func (b *Broker) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(onWire.ServiceDesc(pluginpb.GRPCBroker_ServiceDesc), b)
}

// StartStream serves the host's stream of announcements; gRPC calls it.
func (b *Broker) StartStream(stream grpc.BidiStreamingServer[pluginpb.ConnInfo, pluginpb.ConnInfo]) error {
	received := make(chan error, 1)
	go func() { received <- b.exchange(stream) }()
	select {
	case <-received: // the host went: that is how a plugin's life ends
		return nil
	case <-b.closed.done: // returning ends the stream, and with it the reader
		return nil
	}
}

// Run is the host's half: it opens the stream of announcements and reads it
// until the plugin ends it, ctx is done or the Broker is closed. Its error is
// the gRPC status of the stream, nil when the plugin ended it properly and after
// Close.
func (b *Broker) Run(ctx context.Context, cc grpc.ClientConnInterface) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := pluginpb.NewGRPCBrokerClient(onWire.Conn(cc)).StartStream(ctx)
	if err != nil {
		return err
	}
	received := make(chan error, 1)
	go func() { received <- b.exchange(stream) }()
	select {
	case err := <-received:
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	case <-b.closed.done:
		cancel()
		<-received
		return nil
	}
}

// NextID returns a service id that this side has not used before: 1, 2, ….
func (b *Broker) NextID() uint32 { return b.lastID.Add(1) }

// Opened is closed once the stream of announcements was opened.
func (b *Broker) Opened() <-chan struct{} { return b.opened.done }

// Close ends the stream and every waiting Dial. Listeners and connections that
// the Broker handed out belong to those who asked for them. It may be called
// more than once.
func (b *Broker) Close() {
	b.closed.fire()
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, a := range b.pending {
		if a.expiry != nil {
			a.expiry.Stop()
		}
		delete(b.pending, id)
	}
	b.forgetKnocks()
}

// exchange makes stream the one that announcements are sent on and reads those
// of the peer until it ends.
func (b *Broker) exchange(stream brokerStream) error {
	b.mu.Lock()
	b.stream = stream
	close(b.attached)
	b.attached = make(chan struct{})
	b.mu.Unlock()
	b.opened.fire()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.stream == stream {
			b.stream = nil
			b.forgetKnocks()
		}
	}()
	for {
		info, err := stream.Recv()
		if err != nil {
			return err
		}
		b.announced(info)
	}
}

// announce tells the peer where id can be dialed, as soon as there is a
// stream to say it on.
func (b *Broker) announce(ctx context.Context, info *pluginpb.ConnInfo) error {
	for {
		b.mu.Lock()
		stream, attached := b.stream, b.attached
		b.mu.Unlock()
		if b.closed.fired() {
			return errBrokerClosed
		}
		if stream != nil {
			b.sendMu.Lock()
			defer b.sendMu.Unlock()
			return stream.Send(info)
		}
		select {
		case <-attached:
		case <-b.closed.done:
			return errBrokerClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
