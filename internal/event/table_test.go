package event_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"

	"github.com/pyvider/rpcplugin/internal/event"
)

// Each word of the three sets has one row, and each row a word.
func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	words := constants(t)
	for _, row := range event.Table() {
		if !words[[2]string{row.Key, row.Word}] {
			t.Errorf("the table has the %s %q, which is no constant, or twice", row.Key, row.Word)
		}
		delete(words, [2]string{row.Key, row.Word})
		if row.Meaning == "" {
			t.Errorf("the %s %q has no meaning", row.Key, row.Word)
		}
	}
	for word := range words {
		t.Errorf("the %s %q is not in the table", word[0], word[1])
	}
}

// constants are the words of event.go, as key and word.
func constants(t *testing.T) map[[2]string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{"Domain": event.DomainKey, "Action": event.ActionKey, "Result": event.ResultKey}
	words := make(map[[2]string]bool)
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		words[[2]string{keys[spec.Type.(*ast.Ident).Name], word}] = true
		return true
	})
	if len(words) < 30 {
		t.Fatalf("found %d words in event.go", len(words))
	}
	return words
}

// Emoji are one character of two columns, so that messages begin in one column
// on every terminal, and none stands for two words.
func TestEmojiAreAlike(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	rows := append(event.Table(), event.Row{Word: "unknown", Emoji: event.Unknown}, event.Row{Word: "said", Emoji: event.Said})
	for _, row := range rows {
		if utf8.RuneCountInString(row.Emoji) != 1 || lipgloss.Width(row.Emoji) != 2 {
			t.Errorf("%q of %q is %d characters and %d columns, want 1 and 2",
				row.Emoji, row.Word, utf8.RuneCountInString(row.Emoji), lipgloss.Width(row.Emoji))
		}
		if other := seen[row.Emoji]; other != "" {
			t.Errorf("%s stands for %q and %q", row.Emoji, other, row.Word)
		}
		seen[row.Emoji] = row.Word
	}
}
