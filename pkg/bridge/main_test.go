//go:build unix

package bridge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/encoding"
)

// The test binary plays every part when it finds its role in the environment:
// the child, the child's child, the bridge as a process, and the host.
const (
	roleKey   = "BRIDGE_TEST_ROLE"
	childKey  = "BRIDGE_TEST_CHILD"
	bridgeKey = "BRIDGE_TEST_BRIDGE"
	hostKey   = "BRIDGE_TEST_HOST"

	// patience is for what must happen but may take a while on a busy machine.
	patience = 20 * time.Second
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleKey) {
	case "":
		// A program with the race detector ends a second late otherwise.
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
		encoding.RegisterCompressor(garbled{})
		os.Exit(m.Run())
	case "child":
		os.Exit(runChild(settings[childConfig](childKey)))
	case "grandchild":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1) // else: deadlock
		select {}
	case "bridge":
		os.Exit(runBridge(settings[bridgeConfig](bridgeKey)))
	case "launcher":
		os.Exit(runLauncher())
	case "witness":
		os.Exit(runWitness(settings[bridgeConfig](bridgeKey)))
	case "host":
		os.Exit(runHost(settings[hostConfig](hostKey)))
	case "native child":
		os.Exit(runNativeChild(settings[nativeChild](nativeKey)))
	case "native bridge":
		os.Exit(runNativeBridge(settings[nativeBridge](nativeKey)))
	case "native host":
		os.Exit(runNativeHost(settings[nativeHost](nativeKey)))
	}
}

// settings reads what a role was told.
func settings[T any](key string) T {
	var value T
	if err := json.Unmarshal([]byte(os.Getenv(key)), &value); err != nil {
		fmt.Fprintln(os.Stderr, key, err)
		os.Exit(125)
	}
	return value
}

// as returns the environment entries that make the test binary play a role.
func as(role, key string, config any) []string {
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	return []string{roleKey + "=" + role, key + "=" + string(text)}
}

// self is the test binary.
func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// eventually polls until the condition holds.
func eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !holds(); <-tick.C {
		if time.Since(began) > within {
			t.Fatalf("after %s still not: %s", within, what)
		}
	}
}
