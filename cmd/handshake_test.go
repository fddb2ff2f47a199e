package cmd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Every host's cookie has its topic, by its own name and by the host's.
func TestEveryCookieHasATopic(t *testing.T) {
	t.Parallel()
	for _, host := range knownHosts() {
		for _, query := range []string{host.name, host.cookie.Key, strings.ToLower(host.cookie.Key)} {
			topic, found := findTopic(query)
			if !found || topic.Name != host.cookie.Key || !strings.Contains(topic.Title, host.title) || !strings.Contains(topic.Text, host.cookie.Value) {
				t.Errorf("%q finds %q: %s", query, topic.Name, topic.Title)
			}
			if n := strings.Count(topic.Text, "\n") + 2; n > 15 {
				t.Errorf("%s has %d lines", query, n)
			}
		}
	}
}

func TestNearTopics(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"certifcate": "certificate", "addresses": "address", "PLUGIN_CLIENT_CERTS": "PLUGIN_CLIENT_CERT", "mutiplex": "mux",
		"kv2": "BASIC_PLUGIN", "TF_PLUGIN_MAGIC_COKIE": "TF_PLUGIN_MAGIC_COOKIE", "yamux": "PLUGIN_MULTIPLEX_GRPC",
	} {
		if near := nearTopics(query); len(near) != 3 || (near[0] != want && near[1] != want) {
			t.Errorf("near %q are %q, want %q among the first", query, near, want)
		}
	}
}

// Whatever a plugin prints, it moves no cursor and fits the terminal.
func TestTablesAreSafeAndNarrow(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "plain", "\x1b[31mred\x1b[0m", "\x00\x01\x02", "\xff\xfe", "tab\tand\rreturn", "two\nlines", "ü–…", "\u202eright to left",
		strings.Repeat("x", 100_000), strings.Repeat("\x1b", 100_000), strings.Repeat("word ", 1000),
	} {
		for name, safe := range map[string]string{"visible": visible(text), "start": startOf(text)} {
			var table factTable
			table.row("a long name", safe)
			var b strings.Builder
			if err := table.write(&b); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if utf8.RuneCountInString(line) > helpWidth || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%s of %.20q: %q", name, text, line)
				}
			}
			if b.Len() > 8*visibleBytes {
				t.Errorf("%s of %.20q: %d bytes", name, text, b.Len())
			}
		}
		if safe := printable(text); strings.ContainsFunc(safe, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("printable of %.20q: %.40q", text, safe)
		}
	}
	if got := fold("/"+strings.Repeat("x", 100), 20); strings.Contains(got, "\n") {
		t.Errorf("a path is cut: %q", got)
	}
}

// A plugin in a pipe goes on running after its line: nobody waits for its end.
func TestLineOfALivingPlugin(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	go func() { _, _ = io.WriteString(writer, "starting\n1|6|unix|/x|grpc|\n") }()
	text, err := lineArgument{Line: "-"}.text(reader)
	if err != nil || !strings.HasPrefix(text, "starting\n") {
		t.Errorf("got %q, %v", text, err)
	}
	_ = reader.Close()
	broken, end := io.Pipe()
	_ = end.CloseWithError(errors.New("the disk is on fire"))
	if _, err := (lineArgument{Line: "-"}).text(broken); exitCode(err) != exitUsage || !strings.Contains(err.Error(), "standard input cannot be read: the disk is on fire") {
		t.Errorf("got %v", err)
	}
	if os.Getuid() != 0 { // root reads everything
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, nil, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := (lineArgument{Line: "@" + path}).text(nil); exitCode(err) != exitUsage || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("got %v", err)
		}
	}
}

// chunks is a reader of pieces, each in its own time.
func chunks(pieces ...string) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		for _, piece := range pieces {
			_, _ = io.WriteString(writer, piece)
		}
		_ = writer.Close()
	}()
	return reader
}

func TestReadFirst(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", handshake.MaxLineBytes)
	for _, test := range []struct {
		name         string
		pieces       []string
		raw          string
		whole, ended bool
	}{
		{"nothing", nil, "", false, true},
		{"a line", []string{"1|6\n"}, "1|6\n", true, true},
		{"in pieces", []string{"1|", "6", "\n", "more"}, "1|6\nmore", true, true},
		{"no line end", []string{"1|6"}, "1|6", false, true},
		{"too long", []string{long, long, "\n"}, long, false, true},
	} {
		first, drained := readFirst(chunks(test.pieces...), time.Now())
		<-first.done
		<-drained
		got := first.take()
		if string(got.raw) != test.raw || got.whole != test.whole || got.ended != test.ended || got.after > time.Minute {
			t.Errorf("%s: %.40q, whole %t, ended %t", test.name, got.raw, got.whole, got.ended)
		}
	}
}

func TestSightingKnowsWhatIsMissing(t *testing.T) {
	t.Parallel()
	known := knownHost{cookie: handshake.Cookie{Key: "A", Value: "b"}}
	exited := process.Status{Code: 1}
	for _, test := range []struct {
		name   string
		seen   sighting
		host   knownHost
		reason handshake.Reason
		fix    string
	}{
		{"a line", sighting{firstOutput: firstOutput{raw: []byte("1|6\n"), whole: true}}, known, "", ""},
		{"a line at the end", sighting{firstOutput: firstOutput{raw: []byte("1|6"), ended: true}}, known, "", ""},
		{"nothing", sighting{}, known, handshake.ReasonTimeout, ""},
		{"no line end", sighting{firstOutput: firstOutput{raw: []byte("1|6")}}, known, handshake.ReasonTimeout, "line end"},
		{"closed", sighting{firstOutput: firstOutput{ended: true}}, known, handshake.ReasonExited, "leave stdout open"},
		{"exited", sighting{firstOutput: firstOutput{ended: true}, exited: true, exit: exited}, known, handshake.ReasonExited, ""},
		{"exited, no host", sighting{firstOutput: firstOutput{ended: true}, exited: true, exit: exited}, knownHost{}, handshake.ReasonExited, "--host"},
		{"no cookie", sighting{firstOutput: firstOutput{ended: true}, exited: true, exit: exited, stderr: []string{"", "This binary is a plugin."}}, knownHost{}, handshake.ReasonExited, "name its host"},
		{"another cookie", sighting{firstOutput: firstOutput{ended: true}, exited: true, exit: exited, stderr: []string{"This binary is a plugin."}}, known, handshake.ReasonExited, "another cookie"},
		{"traceback", sighting{firstOutput: firstOutput{ended: true}, exited: true, exit: exited, stderr: []string{"Traceback (most recent call last):"}}, known, handshake.ReasonExited, "crashed"},
	} {
		fault := test.seen.noLine(time.Second)
		if (fault == nil) != (test.reason == "") || fault != nil && fault.Reason != test.reason {
			t.Errorf("%s: got %v, want %q", test.name, fault, test.reason)
		}
		if fix := test.seen.fix(test.host); test.reason != "" && ((fix == "") != (test.fix == "") || !strings.Contains(fix, test.fix)) {
			t.Errorf("%s: fix %q, want %q in it", test.name, fix, test.fix)
		}
	}
}

// The exit code of a verdict is that of connecting to such a plugin.
func TestRefusalsHaveTheirCodes(t *testing.T) {
	t.Parallel()
	for reason, want := range map[handshake.Reason]int{
		handshake.ReasonAppVersion: exitStart, handshake.ReasonTimeout: exitStart, "unreachable": exitStart, handshake.ReasonCertificate: exitStart,
		handshake.ReasonCertificateMissing: exitTLS, handshake.ReasonCertificateUnasked: exitTLS,
	} {
		err := verdictInfo{Reason: string(reason)}.refusal()
		if exitCode(err) != want || !errors.Is(err, errReported) {
			t.Errorf("%s: exit code %d of %v, want %d", reason, exitCode(err), err, want)
		}
	}
	if err := (verdictInfo{Accepted: true}).refusal(); err != nil {
		t.Error(err)
	}
}

func TestCheckSocketPath(t *testing.T) {
	t.Parallel()
	if err := checkSocketPath("/tmp/x"); err != nil {
		t.Error(err)
	}
	err := checkSocketPath("/" + strings.Repeat("x", 120))
	if refused, ok := errors.AsType[*transport.Error](err); !ok || refused.Reason != transport.ReasonPathTooLong {
		t.Errorf("got %v", err)
	}
}

// A test's environment is what it says.
func lookupOf(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
}

func TestSocketDirIsTried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: "not a directory", filepath.Join(dir, "none"): "no such file", filepath.Join(dir, strings.Repeat("x", 200)): "too long", closed: "permission denied",
	} {
		if path == closed && os.Getuid() == 0 {
			continue
		}
		found := checkSocketDir(lookupOf(map[string]string{handshake.EnvUnixSocketDir: path}))
		if len(found) != 1 || !strings.Contains(found[0].Err.Error(), want) || found[0].Variable != handshake.EnvUnixSocketDir {
			t.Errorf("%s: %+v, want %q", path, found, want)
		}
	}
	found := checkSocketDir(lookupOf(map[string]string{handshake.EnvUnixSocketGroup: "no such group"}))
	if len(found) != 1 || found[0].Variable != handshake.EnvUnixSocketGroup || found[0].Err.Found != "no such group" {
		t.Errorf("a group: %+v", found)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
