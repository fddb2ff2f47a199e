//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// A provider that HashiCorp publishes, itself a plugin of go-plugin, serves
// Terraform from behind a bridge: by its own protocol version, which is not that
// of the bridge's default, and with AutoMTLS on both sides.
func TestGoProviderBehindABridge(t *testing.T) {
	s := newSandbox(t)
	dir := s.path("mirror", "registry.terraform.io/hashicorp/time", "0.14.2", platform)
	s.write(filepath.Join(dir, "rpcplugin.yaml"), "host: terraform\nchild: native\nexec: ["+tool(s, "terraform-provider-time")+"]\n")
	s.copy(rpcplugin(s), filepath.Join(dir, "terraform-provider-time_v0.14.2"))
	s.mirrored()
	s.write(filepath.Join(s.project, "main.tf"), `
terraform {
  required_providers {
    time = { source = "hashicorp/time" }
  }
}
resource "time_static" "then" {
  rfc3339 = "2020-02-12T06:36:13Z"
}
output "year" { value = time_static.then.year }
`)
	log := s.logged()
	s.terraform("init").ok()
	s.terraform("validate").ok()
	if got := s.terraform("apply").ok().stdout; !strings.Contains(got, "year = 2020") {
		t.Errorf("apply says %q", got)
	}
	s.terraform("destroy").ok()
	if left := s.entries(log, "plugin failed to exit gracefully"); len(left) > 0 {
		t.Errorf("killed: %v", left)
	}
	if found := s.entries(log, "terraform-provider-time_v0.14.2"); len(found) == 0 {
		t.Error("the provider is not in the log")
	}
	s.expectNothingLeft()
}

// The published counter has its host add for it, through the brokers of both
// sides of a bridge.
func TestPublishedCounterBehindABridge(t *testing.T) {
	s := newSandbox(t)
	s.set("COUNTER_PLUGIN=exec " + rpcplugin(s) + " serve --host kv --child native --exec " + tool(s, "counter-plugin"))
	host := tool(s, "counter-host")
	s.run(host, "put", "visits", "2").ok()
	s.run(host, "put", "visits", "40").ok()
	if got := s.run(host, "get", "visits").ok().stdout; got != "42\n" {
		t.Errorf("got %q, expected %q", got, "42\n")
	}
	s.expectNothingLeft()
}
