package handshake_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func TestReadEnv(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    handshake.Env
	}{
		{"nothing", nil, handshake.Env{}},
		{"a host of go-plugin", []string{"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=6,5"}, handshake.Env{MinPort: 10000, MaxPort: 25000, AppVersions: []int{6, 5}}},
		{"empty means not set", []string{"PLUGIN_MIN_PORT=", "PLUGIN_MAX_PORT=", "PLUGIN_PROTOCOL_VERSIONS=", "PLUGIN_MULTIPLEX_GRPC=", "PLUGIN_TRANSPORTS="}, handshake.Env{}},
		{"one port", []string{"PLUGIN_MIN_PORT=7", "PLUGIN_MAX_PORT=7"}, handshake.Env{MinPort: 7, MaxPort: 7}},
		{"all ports", []string{"PLUGIN_MIN_PORT=1", "PLUGIN_MAX_PORT=65535"}, handshake.Env{MinPort: 1, MaxPort: 65535}},
		{"from 0 is any", []string{"PLUGIN_MAX_PORT=25000"}, handshake.Env{}},
		{"duplicates and bad versions", []string{"PLUGIN_PROTOCOL_VERSIONS=5,x,6,5,,v7,-1"}, handshake.Env{AppVersions: []int{5, 6, -1}, Skipped: []string{"x", "", "v7"}}},
		{"spaces in the list", []string{"PLUGIN_PROTOCOL_VERSIONS=5, 6"}, handshake.Env{AppVersions: []int{5, 6}}},
		{"only bad versions", []string{"PLUGIN_PROTOCOL_VERSIONS=x"}, handshake.Env{Skipped: []string{"x"}}},
		{"multiplexing", []string{"PLUGIN_MULTIPLEX_GRPC=1"}, handshake.Env{MultiplexSet: true, Multiplex: true}},
		{"multiplexing false", []string{"PLUGIN_MULTIPLEX_GRPC=false"}, handshake.Env{MultiplexSet: true}},
		{"multiplexing no boolean", []string{"PLUGIN_MULTIPLEX_GRPC=yes"}, handshake.Env{MultiplexSet: true}},
		{"transports", []string{"PLUGIN_TRANSPORTS=unix, tcp,unix,"}, handshake.Env{Transports: []string{"unix", "tcp"}}},
		{"the rest", []string{"PLUGIN_CLIENT_CERT=a\nb", "PLUGIN_UNIX_SOCKET_DIR=/d", "PLUGIN_UNIX_SOCKET_GROUP=g"}, handshake.Env{ClientCert: "a\nb", SocketDir: "/d", SocketGroup: "g"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := handshake.ReadEnv(lookupIn(tt.environ))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadEnvErrors(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		reason  handshake.Reason
		field   string
	}{
		{"no number", []string{"PLUGIN_MIN_PORT=abc"}, handshake.ReasonEnvPort, handshake.EnvMinPort},
		{"negative", []string{"PLUGIN_MIN_PORT=-1", "PLUGIN_MAX_PORT=1"}, handshake.ReasonEnvPort, handshake.EnvMinPort},
		{"too high", []string{"PLUGIN_MAX_PORT=65536"}, handshake.ReasonEnvPort, handshake.EnvMaxPort},
		{"beyond int", []string{"PLUGIN_MAX_PORT=99999999999999999999"}, handshake.ReasonEnvPort, handshake.EnvMaxPort},
		{"min above max", []string{"PLUGIN_MIN_PORT=11", "PLUGIN_MAX_PORT=10"}, handshake.ReasonEnvPortRange, handshake.EnvMinPort},
		{"min without max", []string{"PLUGIN_MIN_PORT=11"}, handshake.ReasonEnvPortRange, handshake.EnvMinPort},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := handshake.ReadEnv(lookupIn(append(tt.environ, "PLUGIN_PROTOCOL_VERSIONS=6")))
			var e *handshake.Error
			if !errors.As(err, &e) || e.Reason != tt.reason || e.Field != tt.field {
				t.Fatalf("got %v, want reason %s for %s", err, tt.reason, tt.field)
			}
			if want := (handshake.Env{AppVersions: []int{6}}); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want everything but the ports", got)
			}
		})
	}
}

func TestEnviron(t *testing.T) {
	tests := []struct {
		name string
		env  handshake.Env
		want []string
	}{
		{"zero", handshake.Env{}, []string{"PLUGIN_MAX_PORT=25000", "PLUGIN_MIN_PORT=10000"}},
		{"ports", handshake.Env{MinPort: 1, MaxPort: 2}, []string{"PLUGIN_MAX_PORT=2", "PLUGIN_MIN_PORT=1"}},
		{"lowest alone", handshake.Env{MinPort: 30000}, []string{"PLUGIN_MAX_PORT=30000", "PLUGIN_MIN_PORT=30000"}},
		{
			"all",
			handshake.Env{
				AppVersions: []int{6, 5}, Skipped: []string{"x"}, ClientCert: "PEM", Multiplex: true,
				SocketDir: "/d", SocketGroup: "g", Transports: []string{"unix", "tcp"},
			},
			[]string{
				"PLUGIN_CLIENT_CERT=PEM", "PLUGIN_MAX_PORT=25000", "PLUGIN_MIN_PORT=10000", "PLUGIN_MULTIPLEX_GRPC=true",
				"PLUGIN_PROTOCOL_VERSIONS=6,5", "PLUGIN_TRANSPORTS=unix,tcp", "PLUGIN_UNIX_SOCKET_DIR=/d", "PLUGIN_UNIX_SOCKET_GROUP=g",
			},
		},
		{"multiplexing false", handshake.Env{MultiplexSet: true}, []string{"PLUGIN_MAX_PORT=25000", "PLUGIN_MIN_PORT=10000", "PLUGIN_MULTIPLEX_GRPC=false"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.env.Environ(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestStripEnv(t *testing.T) {
	in := []string{
		"PATH=/bin", "PLUGIN_MIN_PORT=1", "COOKIE=x", "=C:=C:\\", "PLUGIN_OF_THE_FUTURE=1", "MY_PLUGIN_X=1", "plugin_x=1",
		"PLUGIN_CLIENT_CERT=a\nb", "COOKIES=x", "PLUGINS=1", "HOME=/root=", "odd", "PLUGIN_ODD", "cookie=x",
	}
	before := slices.Clone(in)
	got := handshake.StripEnv(in, "COOKIE")
	want := []string{"PATH=/bin", "=C:=C:\\", "MY_PLUGIN_X=1", "plugin_x=1", "COOKIES=x", "PLUGINS=1", "HOME=/root=", "odd", "cookie=x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if !slices.Equal(in, before) {
		t.Errorf("the input became %q", in)
	}
	if got := handshake.StripEnv([]string{"=x", "A=1"}, ""); !slices.Equal(got, []string{"=x", "A=1"}) {
		t.Errorf("without a cookie key: got %q", got)
	}
	same := []string{"A=1"}
	handshake.StripEnv(same, "")[0] = "B=2"
	if same[0] != "A=1" {
		t.Error("the result shares the input's memory")
	}
}
