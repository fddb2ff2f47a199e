//go:build e2e && linux

// Package e2e tries rpcplugin with the hosts and plugins that its users have:
// Terraform, a provider in Python, a provider in Go, and the example host of
// go-plugin. `make e2e` prepares what that needs and runs it.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// pythonCacheVariable is where a test binary tells its sandboxes of the cache
// that they share: Python's compiled files, which are the same for all.
const pythonCacheVariable = "E2E_CACHE_HOME"

func TestMain(m *testing.M) {
	if os.Getenv(plainVariable) != "" {
		if err := playPlain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(mixedVariable) != "" {
		if err := playMixed(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	cache, err := os.MkdirTemp("", "e2e-cache-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv(pythonCacheVariable, cache)
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// checkout returns a path of the repository.
func checkout(t testing.TB, path string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, path)
}

// prepared returns a path of the repository that `make e2e` has made.
func prepared(t testing.TB, path string) string {
	t.Helper()
	whole := checkout(t, path)
	if _, err := os.Stat(whole); err != nil {
		t.Fatalf("%s is missing: run these tests with `make e2e`, which makes it first", path)
	}
	return whole
}

func rpcplugin(t testing.TB) string { t.Helper(); return prepared(t, "bin/rpcplugin") }

func python(t testing.TB) string {
	t.Helper()
	prepared(t, "examples/python/tfplugin6_pb2_grpc.py")
	return prepared(t, "examples/python/.venv/bin/python")
}

// tool returns a program that scripts/tools has installed.
func tool(t testing.TB, name string) string {
	t.Helper()
	return prepared(t, filepath.Join(".cache/bin", name))
}
