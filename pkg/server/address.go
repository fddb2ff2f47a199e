package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// fixedAddress is what a Config.Address says; the zero value is no address.
type fixedAddress struct {
	network string
	path    string // of a socket
	host    string
	port    int // 0: the system chooses
}

// parseAddress reads a Config.Address.
func parseAddress(text string) (fixedAddress, error) {
	if text == "" {
		return fixedAddress{}, nil
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "tcp:"), "//")
	if host, port, err := net.SplitHostPort(rest); err == nil && port == "0" { // which no endpoint has
		_, err := transport.ParseEndpoint(net.JoinHostPort(host, "1"))
		if unusable, ok := errors.AsType[*transport.Error](err); ok {
			unusable.Found = text
		}
		return fixedAddress{network: handshake.NetworkTCP, host: host}, err
	}
	at, err := transport.ParseEndpoint(text)
	if err != nil || at.Network == handshake.NetworkUnix {
		return fixedAddress{network: handshake.NetworkUnix, path: at.Address}, err
	}
	host, service, err := net.SplitHostPort(at.Address)
	if err != nil {
		return fixedAddress{}, err
	}
	port, err := strconv.Atoi(service)
	return fixedAddress{network: handshake.NetworkTCP, host: host, port: port}, err
}

// CheckAddress returns why a text cannot be a Config.Address.
func CheckAddress(text string) error {
	_, err := parseAddress(text)
	return err
}

// listenAt opens the Config.Address. Brokered services have sockets and ports of
// their own.
func (s *Server) listenAt(ctx context.Context, at fixedAddress) (*transport.Listener, error) {
	if at.network == handshake.NetworkUnix {
		return transport.NewUnix(transport.UnixConfig{Path: at.path, Group: s.env.SocketGroup}).Listen(ctx)
	}
	opened, err := transport.NewTCP(transport.TCPConfig{Host: at.host, MinPort: at.port, MaxPort: at.port}).Listen(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.guardOpen(opened.Endpoint().Address); err != nil {
		_ = opened.Close()
		return nil, err
	}
	return opened, nil
}

// guardOpen refuses an address that other machines reach, unless hosts have to
// show a certificate there: whoever connects may call everything.
func (s *Server) guardOpen(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	if s.tls.server != nil && s.tls.server.ClientAuth == tls.RequireAndVerifyClientCert {
		return nil
	}
	return fmt.Errorf("%q can be reached from other machines, and hosts need no certificate there; expected a loopback address such as \"127.0.0.1:1234\", or TLS that verifies hosts", address)
}
