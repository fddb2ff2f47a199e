package event_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/event"
)

var update = flag.Bool("update", false, "write the table of docs/logging.md anew")

// Marks of the table in the page.
const (
	tableBegins = "<!-- words -->\n"
	tableEnds   = "<!-- end of words -->\n"
)

// The page shows the table as it is.
func TestPageShowsTable(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "logging.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), tableBegins)
	have, after, ends := strings.Cut(rest, tableEnds)
	if !found || !ends {
		t.Fatalf("%s has no table between %q and %q", path, tableBegins, tableEnds)
	}
	want := pageTable()
	switch {
	case have == want:
	case *update:
		if err := os.WriteFile(path, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil { //nolint:gosec // a page
			t.Fatal(err)
		}
	default:
		t.Fatalf("the table of docs/logging.md is stale, expected:\n%s\nWrite it with: go test ./internal/event -run TestPageShowsTable -update", want)
	}
}

// pageTable is the table in Markdown.
func pageTable() string {
	var b strings.Builder
	for _, key := range []string{event.DomainKey, event.ActionKey, event.ResultKey} {
		fmt.Fprintf(&b, "\n| | `%s` | what it means |\n|---|---|---|\n", key)
		for _, row := range event.Table() {
			if row.Key == key {
				fmt.Fprintf(&b, "| %s | `%s` | %s |\n", row.Emoji, row.Word, row.Meaning)
			}
		}
	}
	fmt.Fprintf(&b, "\n%s is a word in none of the three. %s leads what a program has said itself, which has none of them.\n\n", event.Unknown, event.Said)
	return b.String()
}
