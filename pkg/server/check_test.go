package server_test

import (
	"crypto/tls"
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

func TestConfigsThatContradictThemselves(t *testing.T) {
	register := newEcho().register
	for name, cfg := range map[string]server.Config{
		"Versions and Register":       {Versions: map[int]server.Register{1: register}, Register: register},
		"Versions and AppVersions":    {Versions: map[int]server.Register{1: register}, AppVersions: []int{1}},
		"a negative rate":             {RateLimit: server.RateLimit{PerSecond: -1}},
		"a rate that is no number":    {RateLimit: server.RateLimit{PerSecond: math.NaN()}},
		"an infinite rate":            {RateLimit: server.RateLimit{PerSecond: math.Inf(1)}},
		"a negative burst":            {RateLimit: server.RateLimit{PerSecond: 1, Burst: -1}},
		"a burst without a rate":      {RateLimit: server.RateLimit{Burst: 1}},
		"a negative idle timeout":     {IdleTimeout: -time.Second},
		"a TLS that is none":          {TLS: "auto"},
		"a negative grace":            {Grace: -time.Second},
		"a negative poll":             {ShutdownPoll: -time.Second},
		"TLS off and a configuration": {TLS: server.TLSOff, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := negotiated(t, cfg, environment{})
			wantReason(t, err, server.ReasonConfig)
		})
	}
}

// The services of the negotiated version are registered, and no others.
func TestVersions(t *testing.T) {
	for offered, want := range map[string]int{"5,6": 6, "5": 5, "7": 4, "": 4, "4,9": 4} {
		t.Run(offered, func(t *testing.T) {
			var registered []int
			versions := map[int]server.Register{4: nil}
			for _, version := range []int{5, 6} {
				versions[version] = func(_ grpc.ServiceRegistrar, s *server.Server) error {
					registered = append(registered, version, s.AppVersion())
					return nil
				}
			}
			line, err := negotiated(t, server.Config{Versions: versions}, environment{handshake.EnvProtocolVersions: offered})
			noError(t, err)
			expected := []int{want, want}
			if want == 4 {
				expected = nil
			}
			if line.AppVersion != want || !slices.Equal(registered, expected) {
				t.Errorf("version %d with %v, expected %d", line.AppVersion, registered, want)
			}
		})
	}
	_, err := negotiated(t, server.Config{Versions: map[int]server.Register{
		1: func(grpc.ServiceRegistrar, *server.Server) error { return errBroken },
	}}, environment{})
	wantReason(t, err, server.ReasonRegister)
}
