package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// Whatever a host sets, New gives a plugin or says why not, and nothing stays.
func FuzzEnvironment(f *testing.F) {
	host, err := pki.NewPair()
	noError(f, err)
	f.Add("hello", "10000", "25000", "5,6", host.PEM(), "true", "", "", "unix,tcp", false)
	f.Add("hello", "", "", "", "", "", "sub", "", "", false)
	f.Add("hello", "0", "0", "6,x,,-1", "garbage", "2", "", "0", "tcp", true)
	f.Add("bye", "2", "1", "99999999999999999999", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "", "/nowhere", "no such group", "pigeon", true)
	f.Fuzz(func(t *testing.T, cookie, lowest, highest, versions, certificate, multiplex, dir, group, transports string, tcp bool) {
		temporary := t.TempDir()
		t.Setenv("TMPDIR", temporary)
		t.Setenv("TMP", temporary)
		if dir != "" { // any name, but not outside
			dir = filepath.Join(temporary, filepath.Join("/", dir))
		}
		cfg := server.Config{Cookie: kv.Cookie(), Stdout: make(lines, 1), LookupEnv: environment{
			kv.Cookie().Key: cookie, handshake.EnvMinPort: lowest, handshake.EnvMaxPort: highest, handshake.EnvProtocolVersions: versions,
			handshake.EnvClientCert: certificate, handshake.EnvMultiplexGRPC: multiplex, handshake.EnvUnixSocketDir: dir,
			handshake.EnvUnixSocketGroup: group, handshake.EnvTransports: transports,
		}.lookup}
		if tcp {
			cfg.Network = "tcp"
		}
		s, err := server.New(t.Context(), cfg)
		var failed *server.Error
		switch {
		case err == nil:
			text, err := s.Line().Format()
			if err != nil {
				t.Errorf("the line %+v: %v", s.Line(), err)
			}
			if line, err := handshake.ParseLine(text); err != nil || line.AppVersion != s.AppVersion() {
				t.Errorf("the line %q: %+v, %v", text, line, err)
			}
			s.Close()
		case !errors.As(err, &failed) || failed.Error() == "":
			t.Errorf("error %v, expected a typed one", err)
		}
		left, err := os.ReadDir(temporary)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}
