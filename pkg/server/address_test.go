package server_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// shortDir is a directory whose sockets have short paths.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "a")
	noError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestAddressOfASocket(t *testing.T) { eachWay(t, testAddressOfASocket) }

func testAddressOfASocket(t *testing.T, carry carry) {
	if runtime.GOOS == "windows" {
		t.Skip("the permissions are those of unix")
	}
	path := filepath.Join(shortDir(t), "own.sock")
	left, err := net.Listen("unix", path)
	noError(t, err)
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	noError(t, left.Close()) // as a dead plugin leaves it
	r := run(t, server.Config{Carry: carry, Address: "unix:" + path, KeepSocket: true})
	if r.line.Network != handshake.NetworkUnix || r.line.Address != path {
		t.Errorf("listens at %s %q", r.line.Network, r.line.Address)
	}
	if found, err := os.Stat(path); err != nil || found.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", found.Mode(), err)
	}
	if r.Leftover() != "" { // the next one there replaces it, and the directory is somebody else's
		t.Errorf("Leftover is %q", r.Leftover())
	}
	_, err = negotiated(t, server.Config{Address: path}, environment{})
	wantReason(t, err, server.ReasonListen)
	conn := r.dial(t)
	ctx, cancel := context.WithCancel(soon(t))
	var brokering sync.WaitGroup
	defer brokering.Wait()
	defer cancel()
	brokering.Go(func() { _ = services.NewBroker(services.BrokerConfig{}).Run(ctx, conn) })
	brokered, err := r.Broker().Accept(soon(t), 1)
	noError(t, err)
	defer brokered.Close()
	if at := brokered.Addr().String(); at == path {
		t.Errorf("a brokered service listens at %q, too", at)
	}
	noError(t, services.Ping(soon(t), conn))
	r.Stop()
	noError(t, receive(t, "the end of Run", r.ended))
	gone(t, path)
}

func TestAddressOfAPort(t *testing.T) {
	free := freePort(t)
	for address, want := range map[string]string{
		"127.0.0.1:0": "", "tcp://localhost:0": "", "127.0.0.1:" + strconv.Itoa(free): "127.0.0.1:" + strconv.Itoa(free),
	} {
		line, err := negotiated(t, server.Config{Address: address}, environment{handshake.EnvMinPort: "1", handshake.EnvMaxPort: "1"})
		noError(t, err)
		if line.Network != handshake.NetworkTCP || want != "" && line.Address != want {
			t.Errorf("%s: listens at %s %q", address, line.Network, line.Address)
		}
	}
}

// An address that others reach is for those who show a certificate.
func TestAddressThatOthersReach(t *testing.T) {
	own, _ := agreed(t)
	mutual, err := own.ServerTLS()
	noError(t, err)
	own.CA = ""
	oneSided, err := own.ServerTLS()
	noError(t, err)
	for name, test := range map[string]struct {
		cfg server.Config
		ok  bool
	}{
		"in the clear":   {server.Config{}, false},
		"hosts unknown":  {server.Config{TLSConfig: oneSided}, false},
		"hosts verified": {server.Config{TLSConfig: mutual}, true},
	} {
		test.cfg.Address = "0.0.0.0:0"
		_, err := negotiated(t, test.cfg, environment{})
		if test.ok {
			noError(t, err)
			continue
		}
		wantReason(t, err, server.ReasonListen)
		if !strings.Contains(err.Error(), "can be reached from other machines") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{"here", "127.0.0.1", "127.0.0.1:-1", "127.0.0.1:66666", "unix:", ":0x", "a b:0"} {
		if server.CheckAddress(address) == nil {
			t.Errorf("%q is taken for an address", address)
		}
		_, err := negotiated(t, server.Config{Address: address}, environment{})
		wantReason(t, err, server.ReasonConfig)
	}
	_, err := negotiated(t, server.Config{Address: "/x/y.sock", Network: handshake.NetworkTCP}, environment{})
	wantReason(t, err, server.ReasonConfig)
	_, err = negotiated(t, server.Config{Address: "/x/y.sock"}, environment{handshake.EnvTransports: "tcp"})
	wantReason(t, err, server.ReasonNetwork)
}
