//go:build e2e && linux

package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// freeAddress is one of the loopback on which nobody listens.
func (s *sandbox) freeAddress() string {
	s.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.try(err)
	defer listener.Close()
	return listener.Addr().String()
}

// vault runs Vault's command line.
func (s *sandbox) vault(args ...string) result {
	s.Helper()
	return s.run(tool(s, "vault"), args...)
}

// startVault starts a server with the plugins of the mirror. The published store
// of keys and values is registered as bridged, from behind a bridge, and mounted.
func (s *sandbox) startVault() *running {
	s.Helper()
	address := s.freeAddress()
	s.set("VAULT_ADDR=http://"+address, "VAULT_TOKEN=root")
	bridge := s.path("mirror", "bridged")
	s.copy(rpcplugin(s), bridge)
	s.write(s.path("mirror", "rpcplugin.yaml"), "host: vault\nchild: native\nexec: ["+tool(s, "vault-plugin-secrets-kv")+"]\n")
	server := s.start(tool(s, "vault"), "server", "-dev", "-dev-root-token-id=root", "-dev-listen-address="+address,
		"-dev-plugin-dir="+s.path("mirror"), "-dev-plugin-init=false", "-log-level=debug")
	server.stdout.expect(s, "Development mode should NOT be used") // it is ready
	data, err := os.ReadFile(bridge)
	s.try(err)
	s.vault("plugin", "register", fmt.Sprintf("-sha256=%x", sha256.Sum256(data)), "secret", "bridged").ok()
	s.vault("secrets", "enable", "bridged").ok()
	return server
}

// A plugin of Vault keeps all that it is given with Vault, which it calls back
// for it through the broker.
func TestVaultBehindABridge(t *testing.T) {
	s := newSandbox(t)
	server := s.startVault()
	s.vault("kv", "put", "bridged/door", "key=iron", "code=4711").ok()
	var secret struct{ Data map[string]string }
	s.try(json.Unmarshal([]byte(s.vault("kv", "get", "-format=json", "bridged/door").ok().stdout), &secret))
	if secret.Data["key"] != "iron" || secret.Data["code"] != "4711" {
		t.Errorf("got %v", secret.Data)
	}
	// One process serves all mounts: Vault's own multiplexing.
	s.vault("secrets", "enable", "-path=second", "bridged").ok()
	s.vault("kv", "put", "second/door", "key=brass").ok()
	for path, want := range map[string]string{"bridged/door": "iron", "second/door": "brass"} {
		if got := s.vault("kv", "get", "-field=key", path).ok().stdout; got != want {
			t.Errorf("%s has %q, expected %q", path, got, want)
		}
	}
	s.vault("kv", "delete", "bridged/door").ok()
	s.vault("kv", "get", "bridged/door").exited(2).says("No value found")
	s.vault("plugin", "reload", "-plugin=bridged").ok()
	if got := s.vault("kv", "get", "-field=key", "second/door").ok().stdout; got != "brass" {
		t.Errorf("after the reload it has %q", got)
	}
	server.kill() // a plugin without a bridge would live on
	server.wait()
	s.disown()
	s.expectNothingLeft()
}

// Vault starts a plugin again that has ended, so the bridge ends with its program.
func TestVaultRevives(t *testing.T) {
	s := newSandbox(t)
	server := s.startVault()
	s.vault("kv", "put", "bridged/door", "key=iron").ok()
	for _, victim := range []string{"child", "bridge"} {
		bridge, child := s.behind("bridged", "vault-plugin-secrets-kv")
		if victim == "child" {
			child.kill()
		} else {
			bridge.kill()
		}
		if !until(patience, func() bool { return s.vault("kv", "get", "-field=key", "bridged/door").stdout == "iron" }) {
			t.Errorf("the %s was killed, and the plugin was not started again; Vault wrote\n%s", victim, server.stdout)
		}
		if now, _ := s.behind("bridged", "vault-plugin-secrets-kv"); now.pid == bridge.pid {
			t.Errorf("the %s was killed, and bridge %d still runs", victim, now.pid)
		}
	}
	if text := server.stdout.String() + server.stderr.String(); !strings.Contains(text, "was killed by SIGKILL") {
		t.Errorf("it is not in Vault's log how the program has died:\n%s", text)
	}
	server.kill()
	server.wait()
	s.disown()
	s.expectNothingLeft()
}

// What Vault sets for a plugin made with its SDK, connect and serve by hand set, too.
func TestVaultPreset(t *testing.T) {
	s := newSandbox(t)
	program := tool(s, "vault-plugin-secrets-kv")
	s.run(rpcplugin(s), "connect", "--host", "vault", "--", program).ok().says("app version 5", "tls mutual", "pb.Backend")
	served := s.start(rpcplugin(s), "serve", "--host", "vault", "--standalone", "--child", "native", "--exec", program)
	served.stdout.expect(s, "|grpc|")
	address := strings.Split(served.stdout.String(), "|")[3]
	s.run(rpcplugin(s), "connect", "--attach", address, "call", "pluginutil.multiplexing.PluginMultiplexing/MultiplexingSupport").ok().says(`"supported": true`)
	s.try(served.cmd.Process.Signal(os.Interrupt))
	served.wait().exited(130)
	s.expectNothingLeft()
}
