//go:build unix

package interop

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

// A host's environment is answered with the same line by plugins of both makes,
// but for the address and the certificate itself.
func TestLines(t *testing.T) {
	host, err := pki.NewPair()
	noError(t, err)
	for _, test := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"nothing", nil, "1|2|unix||grpc|"},
		{"versions", []string{"PLUGIN_PROTOCOL_VERSIONS=5,3,4"}, "1|4|unix||grpc|"},
		{"versions, some of them nonsense", []string{"PLUGIN_PROTOCOL_VERSIONS=4,x,,2"}, "1|4|unix||grpc|"},
		{"no version in common", []string{"PLUGIN_PROTOCOL_VERSIONS=3,5"}, "1|2|unix||grpc|"},
		{"AutoMTLS", []string{"PLUGIN_CLIENT_CERT=" + host.PEM()}, "1|2|unix||grpc|certificate"},
		{"multiplexing", []string{"PLUGIN_MULTIPLEX_GRPC=true"}, "1|2|unix||grpc||true"},
		{"no multiplexing", []string{"PLUGIN_MULTIPLEX_GRPC=0"}, "1|2|unix||grpc||not"},
		{"multiplexing perhaps", []string{"PLUGIN_MULTIPLEX_GRPC=perhaps"}, "1|2|unix||grpc||not"},
		{"multiplexing empty", []string{"PLUGIN_MULTIPLEX_GRPC="}, "1|2|unix||grpc|"},
		{
			"all",
			[]string{"PLUGIN_PROTOCOL_VERSIONS=4", "PLUGIN_MULTIPLEX_GRPC=1", "PLUGIN_CLIENT_CERT=" + host.PEM()},
			"1|4|unix||grpc|certificate|true",
		},
	} {
		for _, plugin := range []string{ours, theirs} {
			t.Run(fmt.Sprintf("%s, plugin %s", test.name, plugin), func(t *testing.T) {
				t.Parallel()
				p := pairing{Plugin: plugin, Served: []int{4, 2}, Network: "unix"}
				// Where field 7 must be there though multiplexing is not asked for,
				// go-plugin says what it could do, and ours what it will.
				want := strings.Replace(test.want, "|not", map[string]string{ours: "|false", theirs: "|true"}[plugin], 1)
				if got := p.lineFor(t, test.environ); got != want {
					t.Errorf("the line is %q, expected %q", got, want)
				}
			})
		}
	}
}

// lineFor is the line that the plugin prints, with nothing for the address and a
// word for the certificate, after both were looked at.
func (p pairing) lineFor(t *testing.T, environ []string) string {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	cookie := kv.Cookie()
	command := exec.CommandContext(soon(t), path)
	command.Env = slices.Concat(os.Environ(), environ, p.environ("plugin"), []string{cookie.Key + "=" + cookie.Value, "PLUGIN_UNIX_SOCKET_DIR=" + tempDir(t)})
	stdout, err := command.StdoutPipe()
	noError(t, err)
	noError(t, command.Start())
	text, err := bufio.NewReader(stdout).ReadString('\n')
	_ = command.Process.Kill()
	_ = command.Wait()
	noError(t, err)
	fields := strings.Split(strings.TrimSuffix(text, "\n"), "|")
	if len(fields) < 6 {
		t.Fatalf("the line is %q", text)
	}
	if !strings.HasPrefix(fields[3], "/") {
		t.Errorf("the address is %q, expected a path", fields[3])
	}
	fields[3] = ""
	if fields[5] != "" {
		der, err := base64.RawStdEncoding.DecodeString(fields[5]) // without padding
		noError(t, err)
		_, err = pki.ParseDER(der)
		noError(t, err)
		fields[5] = "certificate"
	}
	if _, err := handshake.ParseLine(text); err != nil {
		t.Error(err)
	}
	return strings.Join(fields, "|")
}
