package handshake_test

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

const asPlugin = "HANDSHAKE_TEST_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		servePlugin()
		return
	}
	m.Run()
}

func servePlugin() {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{MagicCookieKey: testCookie.Key, MagicCookieValue: testCookie.Value},
		VersionedPlugins: pluginSets(4, 5, 6),
		GRPCServer:       goplugin.DefaultGRPCServer,
		Logger:           hclog.NewNullLogger(),
	})
}

// printedBy starts go-plugin's plugin with an environment and returns the line
// it prints.
func printedBy(t *testing.T, environ []string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(environ, asPlugin+"=1", "TMPDIR="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	text, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v, stderr %q", err, &stderr)
	}
	return text
}

// A plugin of go-plugin understands what we set as its host, chooses the
// version we would choose, and prints a line that we take.
func TestGoPluginPluginReadsEnviron(t *testing.T) {
	own := []int{4, 5, 6}
	asPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate(t)}))
	tests := []struct {
		name string
		env  handshake.Env
	}{
		{"two in common", handshake.Env{AppVersions: []int{5, 6}}},
		{"in the other order", handshake.Env{AppVersions: []int{6, 5, 7}}},
		{"one in common", handshake.Env{AppVersions: []int{9, 5}}},
		{"none in common", handshake.Env{AppVersions: []int{7}}},
		{"no list", handshake.Env{}},
		{"AutoMTLS and multiplexing", handshake.Env{AppVersions: []int{6}, ClientCert: asPEM, Multiplex: true}},
		{"multiplexing false", handshake.Env{AppVersions: []int{6}, MultiplexSet: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.env.SocketDir = t.TempDir()
			text := printedBy(t, append(tt.env.Environ(), testCookie.Key+"="+testCookie.Value))
			l, err := handshake.AcceptLine(text, handshake.Expectation{Multiplex: tt.env.Multiplex})
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := handshake.ChooseVersion(own, tt.env.AppVersions); l.AppVersion != want {
				t.Errorf("go-plugin chose %d, we %d", l.AppVersion, want)
			}
			if (len(l.Certificate) > 0) != (tt.env.ClientCert != "") {
				t.Errorf("got a certificate of %d bytes", len(l.Certificate))
			}
			asked := tt.env.MultiplexSet || tt.env.Multiplex
			if (l.Multiplex != handshake.MultiplexAbsent) != asked {
				t.Errorf("got field 7 %v, asked %v", l.Multiplex, asked)
			}
			if l.Network == handshake.NetworkUnix && !strings.HasPrefix(l.Address, tt.env.SocketDir) {
				t.Errorf("got a socket at %q, want it in %q", l.Address, tt.env.SocketDir)
			}
			if again, err := l.Format(); err != nil || again+"\n" != text {
				t.Errorf("got %q, %v from what was %q", again, err, text)
			}
		})
	}
}
