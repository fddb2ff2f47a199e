//go:build e2e && linux

package e2e

import (
	"bytes"
	"encoding/xml"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// plainVariable makes this program a plain gRPC server, where a bridge wants one.
const plainVariable = "E2E_PLAIN_CHILD"

func playPlain() error {
	listener, err := net.Listen("unix", os.Getenv(bridge.EnvChildSocket))
	if err != nil {
		return err
	}
	plain := grpc.NewServer()
	testpb.RegisterEchoServer(plain, testpb.UnimplementedEchoServer{})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		plain.Stop()
	}()
	return plain.Serve(listener)
}

// The bridge does right all that h2spec knows, as gRPC's own server behind it does.
func TestConformance(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bridge.New(t.Context(), bridge.Config{
		Command: []string{self}, Env: []string{plainVariable + "=1"},
		Server: server.Config{
			Network: "tcp", TLS: server.TLSOff, IgnoreHost: true, Stdout: io.Discard,
			LookupEnv: func(string) (string, bool) { return "", false },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.Run(t.Context()) }()
	defer func() {
		b.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	cases := h2spec(t, b.Line().Address)
	for name, failure := range cases {
		if failure != "" {
			t.Errorf("%s: %s", name, failure)
		}
	}
	if len(cases) < 140 {
		t.Errorf("only %d cases were tried", len(cases))
	}
}

// h2spec returns the failure of each of its cases with the server at address, ""
// for those that pass.
func h2spec(t *testing.T, address string) map[string]string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.xml")
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tool(t, "h2spec"), "--strict", "-h", host, "-p", port, "-j", file)
	cmd.Stdout, cmd.Stderr = &output, &output
	_ = cmd.Run() // it fails if any case does
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; h2spec said\n%s", err, output.String())
	}
	var report struct {
		Suites []struct {
			Package string `xml:"package,attr"`
			Cases   []struct {
				Name    string  `xml:"classname,attr"`
				Failure *string `xml:"failure"`
				Skipped *string `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	failures := make(map[string]string)
	for _, suite := range report.Suites {
		for _, c := range suite.Cases {
			if c.Skipped != nil {
				continue
			}
			name := suite.Package + ": " + c.Name
			failures[name] = ""
			if c.Failure != nil {
				failures[name] = strings.Join(strings.Fields(*c.Failure), " ")
			}
		}
	}
	return failures
}
