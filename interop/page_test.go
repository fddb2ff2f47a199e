//go:build unix

package interop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/host-checks.md anew")

// introduction stands above the table.
const introduction = `# What a host says of a plugin that will not start

Find the message that you have in one of the two middle columns; the first says what the plugin did, the last what to do.
Each row was tried: one bad plugin, under the host of go-plugin v1.8.0 and under rpcplugin's, both offering the app versions 5 and 6.

| the plugin | go-plugin says | rpcplugin says | what to do next |
|---|---|---|---|
`

// Both hosts come to the same verdict on every plugin. What they say is the page.
func TestHostChecks(t *testing.T) {
	rows := make([]string, len(checks()))
	for i, c := range checks() {
		t.Run(c.did, func(t *testing.T) {
			t.Parallel()
			rows[i] = c.row(t)
		})
	}
	t.Cleanup(func() {
		if !t.Failed() && !slices.Contains(rows, "") { // -run leaves some out
			wantPage(t, introduction+strings.Join(rows, ""))
		}
	})
}

// wantPage compares the page with the file, or writes it.
func wantPage(t *testing.T, page string) {
	t.Helper()
	path := filepath.Join("..", "docs", "host-checks.md")
	if *update {
		noError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		noError(t, os.WriteFile(path, []byte(page), 0o644))
		return
	}
	file, err := os.ReadFile(path)
	noError(t, err)
	have, want := strings.Split(string(file), "\n"), strings.Split(page, "\n")
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			t.Fatalf("line %d of docs/host-checks.md is stale, expected:\n%s\nWrite it with: go test ./interop -run TestHostChecks -update",
				i+1, strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
		}
	}
}

// row has both hosts judge the plugin and makes a line of the table.
func (c check) row(t *testing.T) string {
	t.Helper()
	theirs, ours := c.judge(t, theirs), c.judge(t, ours)
	if (theirs.Crashed != "") != c.crashes {
		t.Errorf("go-plugin's host crashed: %q", theirs.Crashed)
	}
	if got := theirs.Refused != "" || theirs.Crashed != ""; got != c.refused {
		t.Errorf("go-plugin's host refuses: %t, expected %t: %s", got, c.refused, theirs.Refused)
	}
	if got := ours.Refused != ""; got != c.refused {
		t.Errorf("our host refuses: %t, expected %t: %s", got, c.refused, ours.Refused)
	}
	if c.refused && (!strings.Contains(ours.Refused, c.names) || ours.Hint == "") {
		t.Errorf("our host says %q, hint %q; expected %q in it, and a hint", ours.Refused, ours.Hint, c.names)
	}
	said := theirs.Refused
	if c.crashes {
		said = "(crashes) " + theirs.Crashed
	}
	if !c.refused {
		said, ours.Refused = "(starts)", "(starts)"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", c.did, cell(said), cell(ours.Refused), cell(ours.Hint))
}

// judge is the verdict of a host. Of a plugin that exits go-plugin's says mostly
// the one and seldom the other, as its goroutines happen to run: the one counts.
func (c check) judge(t *testing.T, host string) report {
	t.Helper()
	p := pairing{
		Host: host, Plugin: ours, Network: "unix", Offered: []int{5, 6}, Served: []int{6}, Fault: &c.fault,
		AutoMTLS: c.autoMTLS, Multiplex: c.multiplex, Cookie: c.cookie, Timeout: c.timeout,
	}
	if c.cookie != "" {
		p.Fault = nil
	}
	r := p.run(t)
	for again := 0; r.Refused == "plugin exited before we could connect" && again < 20; again++ {
		r = p.run(t)
	}
	return r
}

// What depends on the machine, or is long and says little, and what stands for it.
var shorter = []struct {
	long  *regexp.Regexp
	short string
}{
	{regexp.MustCompile(`(?s)This usually means.*`), "This usually means … (guesses, and notes on the file)"},
	{regexp.MustCompile(`the program is [^\n]*`), "(and notes on the file)"},
	{regexp.MustCompile(`\[6 5\]`), "[5 6]"},
	{regexp.MustCompile(`A{40,}…?`), "AAAA…"},
	{regexp.MustCompile(`CERTIFICATE-----\\nMII[A-Za-z0-9+/\\]*…?`), `CERTIFICATE-----\nMII…`},
}

// cell is a text as a cell of a table, the same on every machine.
func cell(text string) string {
	path, _ := os.Executable()
	text = strings.ReplaceAll(text, path, "./plugin")
	for _, part := range shorter {
		text = part.long.ReplaceAllString(text, part.short)
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimSpace(lines[i]), "|", `\|`)
	}
	return strings.Join(lines, "<br>")
}
