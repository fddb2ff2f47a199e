//go:build e2e && linux

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkCertGen makes a P-256 key and a certificate for it, each time a whole
// process that writes two new files: rpcplugin, step if there is one, and openssl,
// in turn. "step-ratio" and "openssl-ratio" are the medians of what rpcplugin
// takes to what they take, round by round.
func BenchmarkCertGen(b *testing.B) {
	dir := b.TempDir()
	program := rpcplugin(b)
	n := 0
	once := func(command func(certificate, key string) *exec.Cmd) time.Duration {
		n++
		cmd := command(filepath.Join(dir, fmt.Sprint(n, ".pem")), filepath.Join(dir, fmt.Sprint(n, ".key")))
		cmd.Dir = dir
		start := time.Now()
		if output, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, output)
		}
		return time.Since(start)
	}
	ours := func(certificate, key string) *exec.Cmd {
		return exec.Command(program, "cert", "gen", "--ecdsa", "--cert-out", certificate, "--key-out", key)
	}
	others := map[string]func(certificate, key string) *exec.Cmd{}
	if step, err := exec.LookPath("step"); err == nil {
		others["step"] = func(certificate, key string) *exec.Cmd {
			return exec.Command(step, "certificate", "create", "localhost", certificate, key, "--profile", "self-signed", "--subtle",
				"--no-password", "--insecure", "--kty", "EC", "--crv", "P-256")
		}
	}
	if openssl, err := exec.LookPath("openssl"); err == nil {
		others["openssl"] = func(certificate, key string) *exec.Cmd {
			return exec.Command(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
				"-out", certificate, "-keyout", key)
		}
	}
	var own []time.Duration
	each, ratios := map[string][]time.Duration{}, map[string][]float64{}
	for b.Loop() {
		for range 30 {
			took := once(ours)
			own = append(own, took)
			for name, other := range others {
				theirs := once(other)
				each[name] = append(each[name], theirs)
				ratios[name] = append(ratios[name], float64(took)/float64(theirs))
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all rounds together: says nothing
	b.ReportMetric(milliseconds(median(own)), "median-ms")
	for name := range others {
		b.ReportMetric(milliseconds(median(each[name])), name+"-ms")
		b.ReportMetric(median(ratios[name]), name+"-ratio")
	}
}
