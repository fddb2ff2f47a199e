package cmd

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/hclog"
)

// logAs logs one record of each level and returns what was written.
func logAs(t *testing.T, g globals, whom audience, env map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	p := &Program{Stderr: &out, LookupEnv: func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	}}
	logger := event.Named(event.InRun(g.logger(p, whom), "12"), "server")
	for _, level := range []slog.Level{hclog.LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		logger.Log(t.Context(), level, "up", event.OK(event.Socket, event.Listen), "n", 1)
	}
	return out.String()
}

func TestLogForms(t *testing.T) {
	t.Parallel()
	yes := true
	for name, test := range map[string]struct {
		globals globals
		whom    audience
		lines   int
		first   string
		none    string // of no line
	}{
		"user":          {globals{}, forUser, 2, " WARN up n=1", "🔌"},
		"author":        {globals{}, forAuthor, 4, " DEBU up n=1", "🔌"},
		"host":          {globals{}, forHost, 5, `"plugin_id":"12","domain":"socket","action":"listen","result":"ok","n":1}`, "🔌"},
		"text":          {globals{LogFormat: "text", LogLevel: "trace"}, forHost, 5, " TRAC up n=1", "🔌"},
		"text, emoji":   {globals{LogLevel: "info", Emoji: &yes}, forUser, 3, " INFO 🔌📡✅ up n=1", "domain"},
		"json":          {globals{LogFormat: "json", LogLevel: "trace", Emoji: &yes}, forUser, 5, `"level":"trace","msg":"up","plugin_id":"12","@module":"rpcplugin.server","domain":"socket","action":"listen","result":"ok","n":1}`, "🔌"},
		"logfmt":        {globals{LogFormat: "logfmt", LogLevel: "error", Emoji: &yes}, forUser, 1, `level=error msg=up plugin_id=12 @module=rpcplugin.server domain=socket action=listen result=ok n=1`, "🔌"},
		"hclog, emoji":  {globals{LogFormat: "hclog", LogLevel: "debug", Emoji: &yes}, forUser, 4, `{"@level":"debug","@message":"up","@module":"rpcplugin.server","@timestamp":`, "🔌"},
		"off":           {globals{LogLevel: "off"}, forHost, 0, "", "up"},
		"auto is unset": {globals{LogFormat: "auto", LogLevel: "auto"}, forUser, 2, " WARN up n=1", "🔌"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := logAs(t, test.globals, test.whom, map[string]string{"LANG": "C.UTF-8", "TERM": "xterm"})
			first, _, _ := strings.Cut(got, "\n")
			if strings.Count(got, "\n") != test.lines || !strings.Contains(first, test.first) || strings.Contains(got, test.none) {
				t.Errorf("logged\n%swant %d lines, the first with %q, none with %q", got, test.lines, test.first, test.none)
			}
			if test.globals.LogFormat == "json" && !json.Valid([]byte(first)) {
				t.Errorf("no JSON: %s", first)
			}
		})
	}
}

// pretender is a stderr that is a terminal, or not.
type pretender struct {
	bytes.Buffer
	file *os.File
}

func (p *pretender) Fd() uintptr { return p.file.Fd() }

// Emoji are for terminals that show them.
func TestWantsEmoji(t *testing.T) {
	t.Parallel()
	terminal, err := openTerminal()
	if err != nil {
		t.Skipf("there is no terminal to be had: %v", err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	plain, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	yes, no := true, false
	utf8 := map[string]string{"LANG": "de_DE.UTF-8", "TERM": "xterm"}
	for name, test := range map[string]struct {
		file *os.File
		flag *bool
		env  map[string]string
		want bool
	}{
		"a terminal":          {terminal, nil, utf8, true},
		"a file":              {plain, nil, utf8, false},
		"a file, asked for":   {plain, &yes, nil, true},
		"a terminal, refused": {terminal, &no, utf8, false},
		"NO_COLOR":            {terminal, nil, map[string]string{"LANG": "C.UTF-8", "NO_COLOR": ""}, false},
		"a dumb one":          {terminal, nil, map[string]string{"LANG": "C.UTF-8", "TERM": "dumb"}, false},
		"no locale":           {terminal, nil, map[string]string{"TERM": "xterm"}, false},
		"another locale":      {terminal, nil, map[string]string{"LANG": "C.UTF-8", "LC_ALL": "C"}, false},
		"by LC_CTYPE":         {terminal, nil, map[string]string{"LANG": "C", "LC_CTYPE": "en_US.utf8", "LC_ALL": ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Program{Stderr: &pretender{file: test.file}, LookupEnv: func(name string) (string, bool) {
				value, set := test.env[name]
				return value, set
			}}
			if got := (globals{Emoji: test.flag}).wantsEmoji(p); got != test.want {
				t.Errorf("emoji %t, want %t", got, test.want)
			}
		})
	}
}

// Without a level that shows it, the beginning costs no look at the system.
func TestTell(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &Program{Stderr: &out, LookupEnv: func(string) (string, bool) { return "", false }, settingsRead: []string{"rpcplugin.yaml"}}
	c := &serveCommand{Host: "terraform", TLS: "auto", Exec: []string{"sh", "provider.sh"}}
	r := role{versions: []int{6}}
	r.cookie.Key, r.cookie.Value = "SOME_COOKIE", "secret"
	c.tell(p, r, globals{}.logger(p, forUser))
	if out.Len() > 0 {
		t.Errorf("by default it logs %q", out.String())
	}
	c.tell(p, r, globals{LogLevel: "debug", LogFormat: "logfmt"}.logger(p, forUser))
	for _, want := range []string{
		` @module=rpcplugin.cmd domain=settings action=read result=ok path=rpcplugin.yaml`,
		`host=terraform cookie=SOME_COOKIE app_versions=[6]`,
		`domain=child action=find result=ok command=sh path=/`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("logged\n%s\nwant %q in it", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("the cookie's value is in\n%s", out.String())
	}
}
