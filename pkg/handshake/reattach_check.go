package handshake

import (
	"errors"
	"slices"
	"strconv"
)

var errNoReattach = errors.New("not to be had by a host that attaches")

// Check makes the checks of a host that attaches: protocol, app version,
// network, address, and that multiplexing was not asked for. An empty Protocol
// counts as net/rpc, a ProtocolVersion of 0 as 5. It does not connect.
//
// Errors are [*Error] with ReasonReattachValue or ReasonReattachAddress, and the
// member in Field.
func (r Reattach) Check(e Expectation) error {
	line := Line{
		CoreVersion: CoreVersion, AppVersion: r.Version(),
		Network: r.Network, Address: r.Address, Protocol: r.Protocol,
	}
	if line.Protocol == "" {
		line.Protocol = ProtocolNetRPC
	}
	if err := line.checkProtocol(e); err != nil {
		found := badMember("Protocol", line.Protocol, err.Expected)
		found.advice = `a gRPC plugin has "Protocol":"grpc" in its configuration; without it hosts take it for net/rpc`
		return found
	}
	if err := line.checkApp(e); err != nil {
		found := badMember("ProtocolVersion", strconv.Itoa(line.AppVersion), err.Expected)
		found.advice = "this is the app version of the plugin that runs, where 0 means 5: ask for that one, or attach to another plugin"
		return found
	}
	if err := r.check(); err != nil {
		return err
	}
	if !slices.Contains(e.networks(), r.Network) {
		found := badAddr(r.Network, quoteAll(e.networks()), nil)
		found.Field = "network of Addr"
		return found
	}
	if e.Multiplex {
		found := badMember("multiplexing", "", "a host that does without")
		found.Err, found.advice = errNoReattach, "turn multiplexing off, or let the host start the plugin"
		return found
	}
	return nil
}
