package services

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// BrokerReason says why a brokered connection failed. The set is closed.
type BrokerReason string

// The reasons of a BrokerError.
const (
	// BrokerListen: no listener could be opened.
	BrokerListen BrokerReason = "listen"
	// BrokerAnnounce: the peer could not be told, for want of its stream.
	BrokerAnnounce BrokerReason = "announce"
	// BrokerTimeout: the peer announced nothing for the id in time.
	BrokerTimeout BrokerReason = "timeout"
	// BrokerAddress: what the peer announced is no address.
	BrokerAddress BrokerReason = "address"
	// BrokerConnect: the announced address did not accept.
	BrokerConnect BrokerReason = "connect"
	// BrokerRefused: the peer answered a knock with an error.
	BrokerRefused BrokerReason = "refused"
	// BrokerClosed: the Broker was closed.
	BrokerClosed BrokerReason = "closed"
)

// BrokerError is the error of Accept, Serve and Dial.
type BrokerError struct {
	// Reason is one of the Broker… constants.
	Reason BrokerReason
	// ID is the service id that was accepted or dialed.
	ID uint32
	// Err is the cause, nil when Reason says all.
	Err error
}

// Error says what failed for which service id.
func (e *BrokerError) Error() string {
	text := fmt.Sprintf("broker: service id %d: %s", e.ID, brokerText[e.Reason])
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *BrokerError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *BrokerError) Hint() string {
	switch e.Reason {
	case BrokerTimeout:
		return "the other side must accept this id before it is dialed, and both must mean the same id"
	case BrokerAnnounce:
		return "a host opens plugin.GRPCBroker/StartStream once after it has connected; this one did not"
	default:
		return ""
	}
}

var brokerText = map[BrokerReason]string{
	BrokerListen:   "cannot listen",
	BrokerAnnounce: "cannot announce its address",
	BrokerTimeout:  fmt.Sprintf("not announced within %s", brokerWait),
	BrokerAddress:  "announced at an address that cannot be used",
	BrokerConnect:  "cannot connect to the announced address",
	BrokerRefused:  "refused by the other side",
	BrokerClosed:   "the broker is closed",
}

var errBrokerClosed = errors.New("closed")

// Accept opens a listener for the service id and announces it to the peer,
// waiting up to five seconds for the peer's stream. Connections that come out
// of it are as they come off the wire: where the main connection has TLS, wrap
// them with ServerTLS, or use Serve. The caller closes the listener.
func (b *Broker) Accept(ctx context.Context, id uint32) (net.Listener, error) {
	if b.cfg.Mux != nil {
		return b.acceptMux(ctx, id)
	}
	listener, err := b.cfg.Listen(ctx)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerListen, ID: id, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, brokerWait)
	defer cancel()
	at := listener.Endpoint()
	if b.cfg.Announce != nil {
		at, err = b.cfg.Announce(at)
	}
	if err == nil {
		err = b.announce(ctx, &pluginpb.ConnInfo{ServiceId: id, Network: at.Network, Address: at.Address})
	}
	if err == nil {
		return listener, nil
	}
	_ = listener.Close()
	return nil, b.notAnnounced(id, err)
}

// notAnnounced is the error of a message that could not be sent.
func (b *Broker) notAnnounced(id uint32, err error) error {
	if errors.Is(err, errBrokerClosed) {
		return &BrokerError{Reason: BrokerClosed, ID: id}
	}
	return &BrokerError{Reason: BrokerAnnounce, ID: id, Err: err}
}

// Serve accepts the service id and serves gRPC there until ctx is done or the
// Broker is closed, with the TLS of the main connection and without a limit on
// message sizes. register adds the services. Running calls are cut off at the
// end.
func (b *Broker) Serve(ctx context.Context, id uint32, register func(grpc.ServiceRegistrar)) error {
	listener, err := b.Accept(ctx, id)
	if err != nil {
		return err
	}
	creds := insecure.NewCredentials()
	if b.cfg.ServerTLS != nil {
		creds = credentials.NewTLS(b.cfg.ServerTLS)
	}
	server := grpc.NewServer(grpc.Creds(creds), grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32))
	register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	case <-b.closed.done:
	}
	server.Stop()
	<-served
	return nil
}

// Dial waits up to five seconds for the peer to announce the service id and
// returns a gRPC connection to it, with the TLS of the main connection and
// without a limit on message sizes. The address is tried once before Dial
// returns. The caller closes the connection.
func (b *Broker) Dial(ctx context.Context, id uint32, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	connect := func(ctx context.Context) (net.Conn, error) { return b.dialMux(ctx, id) }
	if b.cfg.Mux == nil {
		endpoint, err := b.await(ctx, id)
		if err != nil {
			return nil, err
		}
		connect = func(ctx context.Context) (net.Conn, error) { return b.connect(ctx, id, endpoint) }
	}
	first, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	creds := insecure.NewCredentials()
	if b.cfg.ClientTLS != nil {
		creds = credentials.NewTLS(b.cfg.ClientTLS)
	}
	tried := make(chan net.Conn, 1)
	tried <- first
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		select {
		case conn := <-tried:
			return conn, nil
		default:
			return connect(ctx)
		}
	}
	opts = append([]grpc.DialOption{
		grpc.WithContextDialer(dialer), grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
	}, opts...)
	conn, err := grpc.NewClient("passthrough:///localhost", opts...)
	if err != nil {
		_ = first.Close()
		return nil, &BrokerError{Reason: BrokerConnect, ID: id, Err: err}
	}
	conn.Connect()
	return conn, nil
}

// connect reaches the announced endpoint.
func (b *Broker) connect(ctx context.Context, id uint32, endpoint transport.Endpoint) (net.Conn, error) {
	conn, err := b.cfg.Connect(ctx, endpoint)
	if err != nil {
		return nil, &BrokerError{Reason: BrokerConnect, ID: id, Err: err}
	}
	return conn, nil
}

// await returns where the peer announced id, taking the announcement.
func (b *Broker) await(ctx context.Context, id uint32) (transport.Endpoint, error) {
	a := b.awaited(id)
	defer b.release(id, a)
	waited, cancel := context.WithTimeout(ctx, brokerWait)
	defer cancel()
	select {
	case <-a.ready:
	case <-b.closed.done:
		return transport.Endpoint{}, &BrokerError{Reason: BrokerClosed, ID: id}
	case <-waited.Done():
		return transport.Endpoint{}, &BrokerError{Reason: BrokerTimeout, ID: id, Err: ctx.Err()}
	}
	endpoint := transport.Endpoint{Network: a.info.GetNetwork(), Address: a.info.GetAddress()}
	parsed, err := transport.ParseEndpoint(endpoint.String())
	if err == nil && parsed.Network != endpoint.Network {
		err = fmt.Errorf("network %q does not go with address %q", endpoint.Network, endpoint.Address)
	}
	if err != nil {
		return transport.Endpoint{}, &BrokerError{Reason: BrokerAddress, ID: id, Err: err}
	}
	return endpoint, nil
}
