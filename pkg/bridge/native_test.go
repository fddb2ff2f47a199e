//go:build unix

package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/client"
)

// The whole chain with the real host library, and the plugins of both
// libraries: each thing that a host and a plugin can do with each other.
func TestNativeUnderGoPlugin(t *testing.T) {
	for _, multiplex := range []bool{false, true} {
		for _, secure := range []bool{true, false} {
			for _, ours := range []bool{false, true} {
				name := fmt.Sprintf("multiplex=%v,AutoMTLS=%v,ours=%v", multiplex, secure, ours)
				t.Run(name, func(t *testing.T) {
					report, tmp := nativeHost{
						Bridge:   nativeBridge{Child: nativeChild{Ours: ours, Versions: []int{2, 3}}},
						AutoMTLS: secure, Multiplex: multiplex, Rounds: 3,
					}.run(t)
					wantWell(t, report)
					if report.Version != 3 {
						t.Errorf("version %d, expected 3", report.Version)
					}
					if len(report.Calls) != 6 {
						t.Errorf("calls: %v", report.Calls)
					}
					if report.Stdout != "child's stdout\n" || report.Stderr != "child's stderr\n" {
						t.Errorf("stdout %q, stderr %q", report.Stdout, report.Stderr)
					}
					if !strings.Contains(report.Log, `"@level":"warn","@message":"native child warns"`) {
						t.Error("the child's warning is no record of the host's log")
					}
					t.Logf("started in %s, ended in %s", report.Started, report.KillTook)
					isGone(t, hostWait, tmp, report.Bridge, report.Child)
				})
			}
		}
	}
}

// wantWell checks that all calls went well and the end was no kill.
func wantWell(t *testing.T, report hostReport) {
	t.Helper()
	if report.Error != "" {
		t.Fatalf("the host: %s", report.Error)
	}
	for what, result := range report.Calls {
		if result != "ok" {
			t.Errorf("%s: %s", what, result)
		}
	}
	if report.KillTook > hostWait {
		t.Errorf("Kill took %s", report.KillTook)
	}
	if strings.Contains(report.Log, "DATA RACE") {
		t.Error("a race")
	}
}

// A child that does no TLS has a host that insists on it.
func TestNativeWithoutTLSUnderAutoMTLS(t *testing.T) {
	for name, off := range map[string]client.TLS{"auto": client.TLSAuto, "off": client.TLSOff} {
		t.Run(name, func(t *testing.T) {
			report, tmp := nativeHost{
				Bridge:   nativeBridge{Child: nativeChild{Ours: true, TLSOff: true}, TLS: off},
				AutoMTLS: true, Rounds: 1,
			}.run(t)
			wantWell(t, report)
			if again := strings.Contains(report.Log, "it is started again, without TLS"); again != (off == client.TLSAuto) {
				t.Errorf("started again: %v", again)
			}
			isGone(t, hostWait, tmp, report.Bridge, report.Child)
		})
	}
}

// A crash of the child is told call by call, and as the panic that hosts look for.
func TestNativeCrashUnderGoPlugin(t *testing.T) {
	report, tmp := nativeHost{
		Bridge: nativeBridge{Child: nativeChild{Versions: []int{3}}}, AutoMTLS: true, Rounds: 1, Last: "exit",
	}.run(t)
	later := report.Calls["after the last"]
	delete(report.Calls, "after the last")
	wantWell(t, report)
	for what, text := range map[string]string{"the call": report.LastError, "a later call": later} {
		if !strings.Contains(text, "exited with status 7") || !strings.Contains(text, "good bye, cruel world") {
			t.Errorf("%s: %q", what, text)
		}
	}
	if !strings.Contains(report.Log, `"@level":"error","@message":"panic: the plugin's program`) {
		t.Error("no panic in the host's log")
	}
	isGone(t, hostWait, tmp, report.Bridge, report.Child)
}

// What keeps a native child from being a plugin is what its host reads.
func TestNativeRefusedByGoPlugin(t *testing.T) {
	report, tmp := nativeHost{
		Bridge: nativeBridge{Child: nativeChild{Versions: []int{3}, NoMux: true}}, AutoMTLS: true, Multiplex: true,
	}.run(t)
	if !strings.Contains(report.Error, "did not start as a plugin") || !strings.Contains(report.Error, "multiplex") {
		t.Errorf("the host: %q", report.Error)
	}
	isGone(t, hostWait, tmp)
}
