package client_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/rpc"
	"os"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/services"
)

// playFlood prints its line and then ten megabytes without a line end, and only
// then serves.
func playFlood(string) int {
	listener, line := here(nil)
	_, _ = io.WriteString(os.Stdout, line+"\n")
	if _, err := os.Stdout.Write(bytes.Repeat([]byte("x"), 10<<20)); err != nil {
		return 93
	}
	s := grpc.NewServer()
	services.NewHealth(nil).Register(s)
	services.NewController(func() { s.Stop() }).Register(s)
	if s.Serve(listener) != nil {
		return 94
	}
	return 0
}

// playPanicker dies as Go's programs do.
func playPanicker(text string) int { panic(text) }

// playGoPluginTLS is a plugin of go-plugin with certificates of its own, those
// in the directory that text names.
func playGoPluginTLS(text string) int {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		Plugins:         plugin.PluginSet{"echo": pluginHalf{}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          hclog.NewNullLogger(),
		TLSProvider:     func() (*tls.Config, error) { return mutualConfig(text) },
	})
	return 0
}

// playGoPluginNetRPC is a plugin of go-plugin's older kind.
func playGoPluginNetRPC(string) int {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		Plugins:         plugin.PluginSet{"old": oldHalf{}},
		Logger:          hclog.NewNullLogger(),
	})
	return 0
}

type oldHalf struct{}

func (oldHalf) Server(*plugin.MuxBroker) (any, error) { return oldHalf{}, nil }

func (oldHalf) Client(*plugin.MuxBroker, *rpc.Client) (any, error) { return oldHalf{}, nil }
