package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// defaultHost is the only address a plugin listens at unless told otherwise.
const defaultHost = "127.0.0.1"

// firstOpenPort is where a scan starts if only its end is given: below, ports
// belong to the system.
const firstOpenPort = 1024

// TCPConfig configures a [TCP] transport. Its zero value listens at a port the
// system chooses on 127.0.0.1.
type TCPConfig struct {
	// Host is the address or name to listen at; empty is 127.0.0.1. A name is
	// resolved, and its loopback address is taken if it has one; "localhost"
	// is never anything else. Other interfaces have to be named here.
	Host string

	// MinPort and MaxPort are the ports to try, in ascending order, both
	// included (PLUGIN_MIN_PORT and PLUGIN_MAX_PORT). 0 and 0 let the system
	// choose; 0 with a MaxPort starts at 1024.
	MinPort, MaxPort int

	// DialTimeout bounds each Connect; 0 is [DefaultDialTimeout].
	DialTimeout time.Duration
}

// TCP is the [Transport] over TCP. It has no protection of its own: any user of
// the machine can connect, so it wants TLS.
type TCP struct {
	config TCPConfig
	open   registry
}

// NewTCP makes a transport. Nothing is checked or opened before the first
// Listen or Connect; the caller closes it.
func NewTCP(config TCPConfig) *TCP { return &TCP{config: config} }

// Network is [NetworkTCP].
func (t *TCP) Network() string { return NetworkTCP }

// Listen opens the first free port of the configured range. Ports this user may
// not have count as taken. Reasons are [ReasonNoPort], [ReasonAddress] (the
// host, or a range that is none), [ReasonTimeout], [ReasonCanceled],
// [ReasonClosed].
func (t *TCP) Listen(ctx context.Context) (*Listener, error) {
	ctx, end, err := t.open.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	first, last, err := t.config.ports()
	if err != nil {
		return nil, err
	}
	host, err := t.config.listenHost(ctx)
	if err != nil {
		return nil, err
	}
	inner, err := scan(ctx, host, first, last)
	if err != nil {
		return nil, err
	}
	return t.open.adopt(&Listener{
		Listener: inner,
		endpoint: Endpoint{Network: NetworkTCP, Address: inner.Addr().String()},
	})
}

// scan listens at the first port from first to last that is free.
func scan(ctx context.Context, host string, first, last int) (net.Listener, error) {
	var config net.ListenConfig
	var taken error
	network := NetworkTCP
	if address, err := netip.ParseAddr(host); err == nil && address.Is4() {
		network = "tcp4" // else 0.0.0.0 would open the IPv6 interfaces as well
	}
	for port := first; port <= last; port++ {
		address := net.JoinHostPort(host, strconv.Itoa(port))
		if ctx.Err() != nil {
			return nil, classify(ctx, address, ctx.Err())
		}
		inner, err := config.Listen(ctx, network, address)
		if err == nil {
			return inner, nil
		}
		if !isInUse(err) && !isForbidden(err) {
			return nil, classify(ctx, address, err)
		}
		taken = err
	}
	return nil, &Error{
		Reason: ReasonNoPort, Found: fmt.Sprintf("%d-%d", first, last),
		Expected: "a free port on " + host, Err: taken,
	}
}

// ports is the range to scan; 0 to 0 asks the system once.
func (c TCPConfig) ports() (first, last int, err error) {
	const highest = 65535
	if c.MinPort < 0 || c.MaxPort > highest || c.MinPort > c.MaxPort {
		return 0, 0, &Error{
			Reason: ReasonAddress, Found: fmt.Sprintf("%d-%d", c.MinPort, c.MaxPort),
			Expected: "a range of ports in 0-65535, the lower one first",
		}
	}
	if c.MinPort == 0 {
		return min(firstOpenPort, c.MaxPort), c.MaxPort, nil
	}
	return c.MinPort, c.MaxPort, nil
}

// listenHost is the address to listen at.
func (c TCPConfig) listenHost(ctx context.Context) (string, error) {
	if c.Host == "" {
		return defaultHost, nil
	}
	if _, err := netip.ParseAddr(c.Host); err == nil {
		return c.Host, nil
	}
	if !validHost(c.Host) {
		return "", &Error{Reason: ReasonAddress, Found: c.Host, Expected: "an IP address or a host name"}
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", c.Host)
	if err != nil {
		return "", classify(ctx, c.Host, err)
	}
	return chooseAddress(c.Host, found)
}

// chooseAddress takes the best address of a name: IPv4 loopback, any loopback,
// or the first one.
func chooseAddress(host string, found []netip.Addr) (string, error) {
	best := ""
	for _, address := range found {
		address = address.Unmap()
		if address.IsLoopback() && (address.Is4() || best == "") {
			best = address.String()
		}
		if address.IsLoopback() && address.Is4() {
			break
		}
	}
	switch {
	case best != "":
		return best, nil
	case host == "localhost" || len(found) == 0:
		return "", &Error{Reason: ReasonAddress, Found: host, Expected: "a name with a loopback address"}
	default:
		return found[0].Unmap().String(), nil
	}
}

// Connect dials endpoint; a host name is resolved and its addresses are tried
// in turn. Reasons are [ReasonRefused], [ReasonAddress], [ReasonTimeout],
// [ReasonCanceled], [ReasonClosed].
func (t *TCP) Connect(ctx context.Context, endpoint Endpoint) (net.Conn, error) {
	if err := endpoint.check(NetworkTCP); err != nil {
		return nil, err
	}
	return t.open.connect(ctx, endpoint, t.config.DialTimeout)
}

// Close closes every listener and ends the calls under way. See [Transport].
func (t *TCP) Close() error { return t.open.close() }
