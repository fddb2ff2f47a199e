package handshake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func TestReattachCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*handshake.Reattach, *handshake.Expectation)
		want   string // in the error, "" for none
		hint   string
	}{
		{"as it is", func(*handshake.Reattach, *handshake.Expectation) {}, "", ""},
		{"a version that is taken", func(_ *handshake.Reattach, e *handshake.Expectation) { e.AppVersions = []int{5, 6} }, "", ""},
		{
			"no version is 5",
			func(r *handshake.Reattach, e *handshake.Expectation) { r.ProtocolVersion, e.AppVersions = 0, []int{5} }, "", "",
		},
		{
			"another version",
			func(_ *handshake.Reattach, e *handshake.Expectation) { e.AppVersions = []int{5} },
			`reattach: ProtocolVersion is "6", expected "5"`, "where 0 means 5",
		},
		{
			"netrpc", func(r *handshake.Reattach, _ *handshake.Expectation) { r.Protocol = "netrpc" },
			`reattach: Protocol is "netrpc", expected "grpc"`, `"Protocol":"grpc"`,
		},
		{
			"no protocol", func(r *handshake.Reattach, _ *handshake.Expectation) { r.Protocol = "" },
			`reattach: Protocol is "netrpc", expected "grpc"`, `"Protocol":"grpc"`,
		},
		{
			"netrpc is taken",
			func(r *handshake.Reattach, e *handshake.Expectation) {
				r.Protocol, e.Protocols = "", []string{"netrpc"}
			}, "", "",
		},
		{
			"network", func(_ *handshake.Reattach, e *handshake.Expectation) { e.Networks = []string{"tcp"} },
			`reattach: network of Addr is "unix", expected "tcp"`, "Addr",
		},
		{
			"no address", func(r *handshake.Reattach, _ *handshake.Expectation) { r.Address = "" },
			"reattach: Addr is empty", "Addr",
		},
		{
			"multiplexing", func(_ *handshake.Reattach, e *handshake.Expectation) { e.Multiplex = true },
			"reattach: multiplexing is not to be had", "turn multiplexing off",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, e := unixReattach(), handshake.Expectation{}
			tt.change(&r, &e)
			err := r.Check(e)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var failed *handshake.Error
			if !errors.As(err, &failed) || !strings.HasPrefix(failed.Error(), tt.want) || !strings.Contains(failed.Hint(), tt.hint) {
				t.Errorf("got %v, want %s and a hint with %q", err, tt.want, tt.hint)
			}
		})
	}
}
