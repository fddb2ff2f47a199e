//go:build unix

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// report is what the process of a host tells of its pairing.
type report struct {
	// Refused is the error of starting the plugin, Hint its advice.
	Refused, Hint string
	// Crashed is what a host that crashed said last.
	Crashed string

	Facts facts
	// Done says of each deed "ok" or what went wrong.
	Done map[string]string
	// Leaked are goroutines of a host of ours.
	Leaked string
	Ending ending
}

// playHost is a host. It writes its report on stdout.
func (p pairing) playHost() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	r := report{Done: make(map[string]string)}
	stdout, stderr := newGathered(), newGathered()
	h, err := p.begin(ctx, stdout, stderr)
	if err != nil {
		r.Refused = err.Error()
		var hinter interface{ Hint() string }
		if errors.As(err, &hinter) {
			r.Hint = hinter.Hint()
		}
	} else {
		u := &user{host: h, echo: testpb.NewEchoClient(h.conn()), stdout: stdout, stderr: stderr}
		p.use(ctx, u, &r)
	}
	if p.Host == ours {
		if err := goleak.Find(); err != nil {
			r.Leaked = err.Error()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// use does what the pairing is for, and stops the plugin.
func (p pairing) use(ctx context.Context, u *user, r *report) {
	r.Facts = u.facts()
	if p.Fault == nil {
		for _, deed := range u.deeds(p.Again) {
			r.Done[deed.name] = "ok"
			bounded, cancel := context.WithTimeout(ctx, deedTime)
			if err := deed.do(bounded); err != nil {
				r.Done[deed.name] = err.Error()
			}
			cancel()
		}
	}
	r.Ending = u.stop()
	if r.Done["stdio"] == "ok" { // and nothing came after it
		if err := errors.Join(wantPrinted("stdout", u.stdout.all()), wantPrinted("stderr", u.stderr.all())); err != nil {
			r.Done["stdio"] = err.Error()
		}
	}
}

// run plays the pairing with a host in a process of its own.
func (p pairing) run(t *testing.T) report {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	command := exec.CommandContext(soon(t), path)
	tmp := tempDir(t)
	command.Env = append(os.Environ(), append(p.environ("host"), "TMPDIR="+tmp)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	var r report
	if _, said, crashed := strings.Cut(stderr.String(), "panic: "); crashed && p.Host == theirs {
		r.Crashed, _, _ = strings.Cut("panic: "+said, "\n")
		return r
	}
	if err != nil {
		t.Fatalf("the host: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("the host's report: %v\n%s", err, stdout.Bytes())
	}
	if r.Leaked != "" {
		t.Errorf("the host has leaked goroutines: %s", r.Leaked)
	}
	// go-plugin's plugin leaves sockets behind, and its host those of a plugin
	// that it refuses; ours gives each plugin a directory, and removes that.
	if p.Host == ours || (p.Plugin == ours && r.Refused == "") {
		wantNoSockets(t, tmp)
	}
	return r
}

// tempDir makes a directory for temporary files, whose path is short, as
// sockets need it.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "i")
	noError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// wantNoSockets checks that there are none left in a directory, nor anything
// else of ours.
func wantNoSockets(t *testing.T, dir string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.Type()&fs.ModeSocket != 0 || strings.HasPrefix(entry.Name(), "rpcplugin")) {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
}
