//go:build e2e && linux

package e2e

import "testing"

// The demonstration for those who have just cloned the repository.
func TestDemo(t *testing.T) {
	tool(t, "terraform")
	s := newSandbox(t)
	demo := s.run(checkout(t, "scripts/demo")).ok()
	demo.says("terraform init", "2 added", "notes/shopping.txt: milk, bread", "No changes", "2 destroyed", "The notes on disk none")
}

func TestDemoWithoutTerraform(t *testing.T) {
	python(t)
	s := newSandbox(t)
	demo := s.run(checkout(t, "scripts/demo"), "--connect").ok()
	demo.says("PlanResourceChange", `"$unknown": true`, "notes/shopping.txt: milk, bread", "The notes on disk none").
		doesNotSay("terraform init")
}
