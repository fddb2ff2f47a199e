//go:build e2e && linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startNomad starts an agent that is server and client, with the plugins of the
// mirror and settings of its own.
func (s *sandbox) startNomad(settings string) *running {
	s.Helper()
	var ports []string
	for range 3 {
		_, port, err := net.SplitHostPort(s.freeAddress())
		s.try(err)
		ports = append(ports, port)
	}
	s.set("NOMAD_ADDR=http://127.0.0.1:" + ports[0])
	file := s.path("agent.hcl")
	s.write(file, fmt.Sprintf(`
bind_addr            = "127.0.0.1"
data_dir             = %q
plugin_dir           = %q
disable_update_check = true
log_level            = "DEBUG"
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
ports {
  http = %s
  rpc  = %s
  serf = %s
}
server {
  enabled          = true
  bootstrap_expect = 1
}
client {
  enabled = true
  options = {
    "driver.allowlist"     = "raw_exec"
    "fingerprint.denylist" = "consul,env_aws,env_azure,env_digitalocean,env_gce,vault" # nothing is asked outside
  }
}
%s`, s.path("data"), s.path("mirror"), ports[0], ports[1], ports[2], settings))
	return s.start(tool(s, "nomad"), "agent", "-config", file)
}

// sees waits until the node has a device.
func (s *sandbox) sees(agent *running, device string) {
	s.Helper()
	var last result
	if !until(patience, func() bool {
		last = s.run(tool(s, "nomad"), "node", "status", "-self", "-verbose")
		return strings.Contains(last.stdout, device)
	}) {
		s.Fatalf("the node has no %s, but\n%s%s; the agent wrote\n%s", device, last.stdout, last.stderr, agent.stdout)
	}
}

// The device plugin that Nomad has as an example makes devices of the files of a
// folder.
func TestNomadBehindABridge(t *testing.T) {
	s := newSandbox(t)
	s.copy(rpcplugin(s), s.path("mirror", "example-fs-device"))
	s.write(s.path("mirror", "rpcplugin.yaml"), "host: nomad\nchild: native\nexec: ["+tool(s, "nomad-device")+"]\n")
	s.write(s.path("files", "first"), "")
	agent := s.startNomad(fmt.Sprintf("plugin \"example-fs-device\" {\n  config {\n    dir = %q\n    list_period = \"100ms\"\n  }\n}\n", s.path("files")))
	s.sees(agent, "nomad/file/mock[first]")
	s.write(s.path("files", "second"), "")
	s.sees(agent, "nomad/file/mock[second]")

	// A plugin that has ended is started again.
	for _, victim := range []string{"child", "bridge"} {
		bridge, child := s.behind("example-fs-device", "nomad-device")
		if victim == "child" {
			child.kill()
		} else {
			bridge.kill()
		}
		if !until(patience, func() bool { now, _ := s.behind("example-fs-device", "nomad-device"); return now.pid != bridge.pid }) {
			t.Errorf("the %s was killed, and the plugin was not started again; the agent wrote\n%s", victim, agent.stdout)
		}
		s.write(s.path("files", "after the "+victim), "")
		s.sees(agent, "nomad/file/mock[after the "+victim+"]")
	}
	if !strings.Contains(agent.stdout.String(), "was killed by SIGKILL") {
		t.Errorf("it is not in Nomad's log how the program has died:\n%s", agent.stdout)
	}
	s.try(agent.cmd.Process.Signal(os.Interrupt))
	agent.wait()
	s.disown() // the example is made with a go-plugin that puts its socket where it likes
	s.expectNothingLeft()
}

func TestNomadKilled(t *testing.T) {
	s := newSandbox(t)
	s.copy(rpcplugin(s), s.path("mirror", "example-fs-device"))
	s.write(s.path("mirror", "rpcplugin.yaml"), "host: nomad\nchild: native\nexec: ["+tool(s, "nomad-device")+"]\n")
	s.write(filepath.Join(s.project, "first"), "")
	agent := s.startNomad("plugin \"example-fs-device\" {\n  config {\n    dir = \".\"\n  }\n}\n")
	s.sees(agent, "nomad/file/mock[first]")
	agent.kill()
	agent.wait()
	s.disown() // the example is made with a go-plugin that puts its socket where it likes
	s.expectNothingLeft()
}
