package server_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// host plays a scenario with go-plugin's host in another process.
func host(t *testing.T, s scenario) *report {
	t.Helper()
	if s.Cookie == "" {
		s.Cookie = kv.Cookie().Value
	}
	text, err := json.Marshal(s)
	noError(t, err)
	command := exec.CommandContext(soon(t), self(t))
	command.Env = append(os.Environ(), append(role("go-plugin host", part{}), scenarioVariable+"="+string(text), "KV_DIR="+t.TempDir())...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("the host: %v\n%s", err, stderr.Bytes())
	}
	r := new(report)
	if err := json.Unmarshal(stdout.Bytes(), r); err != nil {
		t.Fatalf("the host's report: %v\n%s", err, stdout.Bytes())
	}
	return r
}

// wellUsed checks that everything a host does has worked.
func wellUsed(t *testing.T, r *report) {
	t.Helper()
	if r.Error != "" || len(r.Calls) < 9 {
		t.Fatalf("error %q, did %v", r.Error, r.Calls)
	}
	for name, result := range r.Calls {
		if result != "ok" {
			t.Errorf("%s: %s", name, result)
		}
	}
	if r.Stdout != "out\n" || r.Stderr != "err\n" {
		t.Errorf("stdio brought %q and %q", r.Stdout, r.Stderr)
	}
}

// wellStopped checks that the plugin ended by itself and left nothing.
func wellStopped(t *testing.T, r *report) {
	t.Helper()
	if !r.Exited || r.KillTook > 1900*time.Millisecond {
		t.Errorf("Kill took %s, exited is %v; after 2 s the host kills", r.KillTook, r.Exited)
	}
	if strings.HasPrefix(r.Address, "/") {
		gone(t, filepath.Dir(r.Address))
	}
}

func TestGoPluginHost(t *testing.T) {
	for name, s := range map[string]scenario{
		"unix":                          {Versions: []int{1}},
		"unix with AutoMTLS":            {Versions: []int{1}, AutoMTLS: true},
		"tcp":                           {Versions: []int{1}, Plugin: part{Network: "tcp"}},
		"tcp with AutoMTLS":             {Versions: []int{1}, AutoMTLS: true, Plugin: part{Network: "tcp"}},
		"multiplexed":                   {Versions: []int{1}, Multiplex: true},
		"multiplexed with AutoMTLS":     {Versions: []int{1}, Multiplex: true, AutoMTLS: true},
		"multiplexed tcp with AutoMTLS": {Versions: []int{1}, Multiplex: true, AutoMTLS: true, Plugin: part{Network: "tcp"}},
		"several versions":              {Versions: []int{4, 5, 6}, Plugin: part{AppVersions: []int{3, 5}}},
		"several plugin sets":           {Versions: []int{4, 5, 6}, Plugin: part{AppVersions: []int{3, 5}, Versioned: true}},
	} {
		for way, carried := range map[string]bool{"directly": false, "carried": true} {
			s := s
			s.Plugin.Carried = carried
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				r := host(t, s)
				wellUsed(t, r)
				wellStopped(t, r)
				want := 1
				if len(s.Versions) > 1 {
					want = 5
				}
				if r.Version != want {
					t.Errorf("version is %d, expected %d", r.Version, want)
				}
				if tcp := s.Plugin.Network == "tcp"; tcp == strings.HasPrefix(r.Address, "/") {
					t.Errorf("address is %q", r.Address)
				}
			})
		}
	}
}

// Keys that were agreed on serve for the broker, too, in both directions.
func TestGoPluginHostWithItsOwnTLS(t *testing.T) {
	own, peer := agreed(t)
	for name, s := range map[string]scenario{
		"unix": {}, "tcp": {Plugin: part{Network: "tcp"}}, "multiplexed": {Multiplex: true}, "carried": {Plugin: part{Carried: true}},
	} {
		s.Versions, s.Files, s.Plugin.Files = []int{1}, peer, own
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := host(t, s)
			wellUsed(t, r)
			wellStopped(t, r)
		})
	}
	t.Run("a stranger", func(t *testing.T) {
		t.Parallel()
		_, stranger := agreed(t)
		stranger.CA = peer.CA // it trusts the plugin, and not the other way round
		if r := host(t, scenario{Versions: []int{1}, Files: stranger, Plugin: part{Files: own}}); r.Error == "" && r.Calls["unary"] == "ok" {
			t.Errorf("report %+v, expected a failure", r)
		}
	})
}

func TestGoPluginHostRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		scenario scenario
		want     string
	}{
		"no common version": {
			scenario{Versions: []int{7}, Plugin: part{AppVersions: []int{6, 5}}},
			"incompatible API version with plugin. Plugin version: 5",
		},
		"another cookie": {scenario{Versions: []int{1}, Cookie: "bye"}, "Unrecognized remote plugin message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := host(t, test.scenario)
			if !strings.Contains(r.Error, test.want) {
				t.Errorf("error %q, expected %q in it", r.Error, test.want)
			}
			if !r.Exited {
				t.Error("the plugin was left running")
			}
		})
	}
}

// Without a certificate the host finds out at its first call.
func TestGoPluginHostWithoutTheAnswerToAutoMTLS(t *testing.T) {
	r := host(t, scenario{Versions: []int{1}, AutoMTLS: true, Plugin: part{TLS: server.TLSOff}})
	if r.Error == "" && r.Calls["unary"] == "ok" {
		t.Errorf("report %+v, expected a failure", r)
	}
}

func TestGoPluginHostAttaches(t *testing.T) {
	e := newEcho()
	r := run(t, server.Config{Register: attachable(t, e), KeepSocket: true})
	for range 2 { // Kill leaves the plugin alone
		report := host(t, scenario{Attach: r.line.Address, AttachPid: os.Getpid()})
		// The second one is told what the plugin printed for the first, too, and
		// may have gone before it hears the rest.
		report.Stdout = strings.TrimPrefix(report.Stdout, strings.Repeat("out\n", max(strings.Count(report.Stdout, "out")-1, 0)))
		report.Stderr = strings.TrimPrefix(report.Stderr, strings.Repeat("err\n", max(strings.Count(report.Stderr, "err")-1, 0)))
		wellUsed(t, report)
	}
	select {
	case <-r.Stopping():
		t.Error("a host that attached has stopped the plugin")
	default:
	}
}

// Test mode is for tests in the plugin's process: many plugins, and many hosts
// for each.
func TestGoPluginHostAttachesInTestMode(t *testing.T) {
	first, second := testMode(t, server.Config{}), testMode(t, server.Config{Network: "tcp"})
	for range 2 {
		r := host(t, scenario{Attach: first.Address, AttachPid: os.Getpid()})
		if r.Error != "" || r.Calls["unary"] != "ok" || r.Calls["the plugin dials"] != "ok" {
			t.Errorf("report %+v", r)
		}
		attach(t, second)
		attach(t, first)
	}
}

func TestWrongCookieOfAProcess(t *testing.T) {
	command := exec.CommandContext(soon(t), self(t))
	command.Env = append(os.Environ(), append(role("plugin", part{}), "BASIC_PLUGIN=")...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	_ = command.Run()
	if code := command.ProcessState.ExitCode(); code != 1 || stdout.Len() > 0 || stderr.Len() == 0 {
		t.Errorf("exit status %d, stdout %q, stderr %q", code, stdout.Bytes(), stderr.Bytes())
	}
}
