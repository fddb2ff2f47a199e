package server_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// negotiated makes a plugin from an environment, and closes it.
func negotiated(t *testing.T, cfg server.Config, env environment) (handshake.Line, error) {
	t.Helper()
	if _, set := env[handshake.EnvUnixSocketDir]; !set {
		env[handshake.EnvUnixSocketDir] = t.TempDir()
	}
	cfg.LookupEnv = env.lookup
	s, err := server.New(t.Context(), cfg)
	if err != nil {
		empty(t, env[handshake.EnvUnixSocketDir])
		return handshake.Line{}, err
	}
	defer s.Close()
	if s.Line().AppVersion != s.AppVersion() {
		t.Errorf("AppVersion is %d, that of the line %d", s.AppVersion(), s.Line().AppVersion)
	}
	return s.Line(), nil
}

func TestVersionChoice(t *testing.T) {
	for _, test := range []struct {
		own     []int
		offered string
		want    int
	}{
		{[]int{5, 6}, "5,6", 6},
		{[]int{5, 6}, "6,5", 6},
		{[]int{6}, "5,6", 6},
		{[]int{5, 6, 7}, "3,5", 5},
		{[]int{6, 5}, "7", 5},   // none in common: the lowest
		{[]int{6, 5}, "", 5},    // none offered: the lowest
		{[]int{6, 5}, "x,6", 6}, // bad entries are passed over
		{nil, "4,3", 4},
		{nil, "", 1},
	} {
		t.Run(fmt.Sprint(test.own, test.offered), func(t *testing.T) {
			line, err := negotiated(t, server.Config{AppVersions: test.own}, environment{handshake.EnvProtocolVersions: test.offered})
			noError(t, err)
			if line.AppVersion != test.want || line.CoreVersion != 1 || line.Protocol != "grpc" {
				t.Errorf("line is %+v, expected app version %d", line, test.want)
			}
		})
	}
}

func TestCookie(t *testing.T) {
	for name, env := range map[string]environment{
		"missing": {}, "wrong": {"BASIC_PLUGIN": "good bye"}, "empty": {"BASIC_PLUGIN": ""},
	} {
		t.Run(name, func(t *testing.T) {
			stdout := make(lines, 1)
			cfg := server.Config{Cookie: kv.Cookie(), Stdout: stdout}
			_, err := negotiated(t, cfg, env)
			wantReason(t, err, server.ReasonCookie)
			var cause *handshake.Error
			if !errors.As(err, &cause) || cause.Reason != handshake.ReasonCookie {
				t.Errorf("the cause is %v", cause)
			}
			if strings.Contains(err.Error(), "good bye") {
				t.Error("the error tells the value")
			}
			if len(stdout) > 0 {
				t.Errorf("stdout got %q", <-stdout)
			}
		})
	}
	_, err := negotiated(t, server.Config{Cookie: kv.Cookie()}, environment{"BASIC_PLUGIN": "hello"})
	noError(t, err)
}

func TestSocketDirectory(t *testing.T) {
	dir := t.TempDir()
	s, err := server.New(t.Context(), server.Config{LookupEnv: environment{handshake.EnvUnixSocketDir: dir}.lookup})
	noError(t, err)
	defer s.Close()
	if inside, err := filepath.Rel(dir, s.Line().Address); err != nil || !filepath.IsLocal(inside) {
		t.Errorf("the socket is at %q, expected it in %q", s.Line().Address, dir)
	}
	for path, want := range map[string]os.FileMode{s.Line().Address: 0o600, s.Leftover(): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, %v, expected %o", path, info.Mode(), err, want)
		}
	}
}

func TestSocketDirectoryThatIsNone(t *testing.T) {
	env := environment{handshake.EnvUnixSocketDir: filepath.Join(t.TempDir(), "not there")}
	_, err := server.New(t.Context(), server.Config{LookupEnv: env.lookup})
	wantReason(t, err, server.ReasonListen)
	var cause *transport.Error
	if !errors.As(err, &cause) {
		t.Errorf("the cause is %v", err)
	}
	_, err = negotiated(t, server.Config{}, environment{handshake.EnvUnixSocketGroup: "no such group"})
	wantReason(t, err, server.ReasonListen)
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	defer probe.Close()
	return probe.Addr().(*net.TCPAddr).Port
}

func TestPorts(t *testing.T) {
	free := strconv.Itoa(freePort(t))
	tcp := server.Config{Network: "tcp"}
	for _, test := range []struct {
		name     string
		cfg      server.Config
		min, max string
		want     string // "": an error
		reason   server.Reason
	}{
		{"tcp in the host's range", tcp, free, free, "127.0.0.1:" + free, ""},
		{"tcp without a range", tcp, "", "", "127.0.0.1:", ""},
		{"tcp with the range reversed", tcp, "2000", "1000", "", server.ReasonEnvironment},
		{"tcp with a word", tcp, "many", "1000", "", server.ReasonEnvironment},
		{"unix with a word", server.Config{}, "many", "1000", "/", ""},
		{"unix with the range reversed", server.Config{}, "2000", "1000", "/", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			line, err := negotiated(t, test.cfg, environment{handshake.EnvMinPort: test.min, handshake.EnvMaxPort: test.max})
			if test.want == "" {
				wantReason(t, err, test.reason)
				return
			}
			noError(t, err)
			if !strings.HasPrefix(line.Address, test.want) {
				t.Errorf("address is %q, expected %q", line.Address, test.want)
			}
		})
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	_, err = negotiated(t, tcp, environment{handshake.EnvMinPort: port, handshake.EnvMaxPort: port})
	wantReason(t, err, server.ReasonListen)
}

func TestTransports(t *testing.T) {
	for _, test := range []struct{ own, offered, want string }{
		{"", "", "unix"},
		{"", "unix,tcp", "unix"},
		{"", "tcp,unix", "unix"},
		{"", "tcp", "tcp"},
		{"tcp", "", "tcp"},
		{"tcp", "unix", ""},
		{"unix", "tcp", ""},
		{"", "carrier pigeon", ""},
	} {
		t.Run(test.own+" "+test.offered, func(t *testing.T) {
			line, err := negotiated(t, server.Config{Network: test.own}, environment{handshake.EnvTransports: test.offered})
			if test.want == "" {
				wantReason(t, err, server.ReasonNetwork)
				return
			}
			noError(t, err)
			if line.Network != test.want {
				t.Errorf("network is %q, expected %q", line.Network, test.want)
			}
		})
	}
}

func TestFieldsOfTheLine(t *testing.T) {
	for _, test := range []struct {
		multiplex string
		want      []string // the sixth field on
	}{
		{"", []string{""}},
		{"true", []string{"", "true"}},
		{"1", []string{"", "true"}},
		{"false", []string{"", "false"}},
	} {
		t.Run(test.multiplex, func(t *testing.T) {
			r := run(t, server.Config{AppVersions: []int{4}, LookupEnv: environment{
				handshake.EnvMultiplexGRPC: test.multiplex, handshake.EnvUnixSocketDir: t.TempDir(),
			}.lookup})
			fields := strings.Split(strings.TrimSuffix(r.text, "\n"), "|")
			want := append([]string{"1", "4", "unix", r.line.Address, "grpc"}, test.want...)
			if strings.Join(fields, "|") != strings.Join(want, "|") {
				t.Errorf("fields are %q, expected %q", fields, want)
			}
		})
	}
}

func TestAutoMTLS(t *testing.T) { eachWay(t, testAutoMTLS) }

func testAutoMTLS(t *testing.T, carry carry) {
	host, err := pki.NewPair()
	noError(t, err)
	stranger, err := pki.NewPair()
	noError(t, err)
	r := run(t, server.Config{Carry: carry, LookupEnv: environment{
		handshake.EnvClientCert: host.PEM(), handshake.EnvUnixSocketDir: t.TempDir(),
	}.lookup})
	if strings.Contains(r.text, "=") {
		t.Errorf("the certificate is padded: %q", r.text)
	}
	certificate, err := pki.ParseDER(r.line.Certificate)
	noError(t, err)
	for name, test := range map[string]struct {
		pair *pki.Pair
		ok   bool
	}{"the host": {host, true}, "a stranger": {stranger, false}} {
		conn, err := grpc.NewClient("unix:"+r.line.Address, grpc.WithAuthority("localhost"),
			grpc.WithTransportCredentials(credentials.NewTLS(test.pair.ClientTLS(certificate))))
		noError(t, err)
		if err := services.Ping(soon(t), conn); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		noError(t, conn.Close())
	}
	if err := services.Ping(soon(t), r.dial(t)); err == nil {
		t.Error("a connection without TLS was served")
	}
}

func TestClientCertificates(t *testing.T) {
	pair, err := pki.NewPair()
	noError(t, err)
	for name, text := range map[string]string{
		"garbage":   "garbage",
		"cut short": pair.PEM()[:200],
		"empty PEM": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := negotiated(t, server.Config{}, environment{handshake.EnvClientCert: text})
			wantReason(t, err, server.ReasonTLS)
			var cause *pki.Error
			if !errors.As(err, &cause) {
				t.Errorf("the cause is %v", err)
			}
			line, err := negotiated(t, server.Config{TLS: server.TLSOff}, environment{handshake.EnvClientCert: text})
			noError(t, err)
			if line.Certificate != nil {
				t.Error("TLS is off, and the line has a certificate")
			}
		})
	}
}

func TestRegisterFails(t *testing.T) {
	var version int
	_, err := negotiated(t, server.Config{
		AppVersions: []int{5, 6},
		Register: func(_ grpc.ServiceRegistrar, s *server.Server) error {
			version = s.AppVersion()
			return errBroken
		},
	}, environment{handshake.EnvProtocolVersions: "6"})
	wantReason(t, err, server.ReasonRegister)
	if !errors.Is(err, errBroken) || version != 6 {
		t.Errorf("error %v, version %d", err, version)
	}
}

func TestReattachOfServer(t *testing.T) {
	s, err := server.New(t.Context(), server.Config{
		AppVersions: []int{6}, LookupEnv: environment{handshake.EnvUnixSocketDir: t.TempDir()}.lookup,
	})
	noError(t, err)
	defer s.Close()
	want := handshake.Reattach{
		Protocol: "grpc", ProtocolVersion: 6, Pid: os.Getpid(), Network: "unix", Address: s.Line().Address, Test: true,
	}
	if got := s.Reattach(); got != want {
		t.Errorf("got %+v, expected %+v", got, want)
	}
}
