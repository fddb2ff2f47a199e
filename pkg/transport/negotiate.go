package transport

import (
	"slices"
	"strings"
)

// Negotiate chooses the network to listen on out of what this side has and what
// the other side offered (PLUGIN_TRANSPORTS, see the go-plugin contract, section
// 1). Unix sockets win over TCP. With nothing offered, as by every host of
// hashicorp's library, all networks are. Names nobody knows are passed over. The
// error is an [*Error] with [ReasonNoCommonNetwork].
func Negotiate(have, offered []string) (string, error) {
	for _, network := range []string{NetworkUnix, NetworkTCP} {
		if slices.Contains(have, network) &&
			(len(offered) == 0 || slices.Contains(offered, network)) {
			return network, nil
		}
	}
	known := slices.DeleteFunc(slices.Clone(have), func(network string) bool {
		return network != NetworkUnix && network != NetworkTCP
	})
	expected := strings.Join(known, " or ")
	if expected == "" {
		expected = NetworkUnix + " or " + NetworkTCP + " on this side"
	}
	return "", &Error{
		Reason: ReasonNoCommonNetwork, Found: strings.Join(offered, ","), Expected: expected,
	}
}
