//go:build e2e && linux

package e2e

import (
	"cmp"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const (
	rounds = 12 // of each measurement, interleaved
	starts = 3  // of a provider in one plan
)

// BenchmarkPlan compares a plan with the provider in Python, a plan with a
// provider in Go, and the time that Python alone needs from its start until it
// accepts. What a start of the provider in Python costs more than one of the
// provider in Go should hardly be more than that: "ratio" is the one to the other.
// It is taken round by round, so that a machine that changes its speed counts
// little.
func BenchmarkPlan(b *testing.B) {
	inPython, inGo := newSandbox(b), newSandbox(b)
	inPython.configure("milk")
	inPython.install(inPython.notes())
	inGo.installTime()
	// Before the clock runs: files are cached, Python's are compiled.
	inPython.plan()
	inGo.plan()
	inPython.childStart()

	var withPython, withGo, child []time.Duration
	var ratios []float64
	for b.Loop() {
		for range rounds {
			planPython, planGo := inPython.plan(), inGo.plan()
			var start time.Duration
			for range starts {
				start += inPython.childStart() / starts
			}
			withPython, withGo, child = append(withPython, planPython), append(withGo, planGo), append(child, start)
			ratios = append(ratios, float64(planPython-planGo)/starts/float64(start))
		}
	}
	b.ReportMetric(0, "ns/op") // of all rounds together: says nothing
	b.ReportMetric(milliseconds(median(withPython)), "python-plan-ms")
	b.ReportMetric(milliseconds(median(withGo)), "go-plan-ms")
	b.ReportMetric(milliseconds(median(child)), "python-start-ms")
	b.ReportMetric(median(ratios), "ratio")
}

// BenchmarkVersion is a whole process that says its version.
func BenchmarkVersion(b *testing.B) {
	s := newSandbox(b)
	program := rpcplugin(b)
	var each []time.Duration
	for b.Loop() {
		start := time.Now()
		cmd := exec.Command(program, "version")
		cmd.Dir, cmd.Env = s.project, s.environ
		if output, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, output)
		}
		each = append(each, time.Since(start))
	}
	b.ReportMetric(milliseconds(median(each)), "median-ms")
}

// installTime installs terraform-provider-time from a mirror, as notes is.
func (s *sandbox) installTime() {
	s.Helper()
	const version = "0.14.2"
	s.copy(tool(s.TB, "terraform-provider-time"),
		s.path("mirror/registry.terraform.io/hashicorp/time", version, platform, "terraform-provider-time_v"+version))
	s.mirrored()
	s.write(filepath.Join(s.project, "main.tf"), `
terraform {
  required_providers {
    time = { source = "hashicorp/time" }
  }
}

resource "time_static" "it" {}
`)
	s.terraform("init").ok()
}

// plan returns how long a plan of one new resource takes.
func (s *sandbox) plan() time.Duration {
	s.Helper()
	start := time.Now()
	planned := s.terraform("plan")
	took := time.Since(start)
	planned.ok().says("1 to add")
	return took
}

// childStart returns how long the provider's program alone takes from its start
// until its socket accepts, in the environment that the bridge gives it.
func (s *sandbox) childStart() time.Duration {
	s.Helper()
	socket := s.path("tmp", "child.sock")
	cmd := exec.Command(python(s.TB), s.path("mirror", address, version, platform, "provider.py"))
	cmd.Dir = s.project
	cmd.Env = append(slices.Clone(s.environ),
		"RPCPLUGIN_CHILD_ADDRESS=unix:"+socket, "RPCPLUGIN_CHILD_SOCKET="+socket, "RPCPLUGIN_CHILD_APP_VERSION=6",
		"PYTHONUNBUFFERED=1", "PYTHONPYCACHEPREFIX="+filepath.Join(os.Getenv(pythonCacheVariable), "rpcplugin", "pycache"))
	start := time.Now()
	s.try(cmd.Start())
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Since(start) > patience {
			s.Fatalf("Python did not accept within %s: %v", patience, err)
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(start)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s.try(os.RemoveAll(socket))
	return took
}

// median returns the middle one; of two, the lesser.
func median[T cmp.Ordered](all []T) T {
	return slices.Sorted(slices.Values(all))[(len(all)-1)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
