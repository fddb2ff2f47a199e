package docs_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// anything is what a page writes for text that is not always the same. On a line
// of its own it stands for any number of lines.
const anything = "…"

// match compares what a page promises with what a command has printed. It returns
// "" or what is wrong.
func match(want []string, output string) string {
	var got []string
	for text := range strings.Lines(output) {
		got = append(got, strings.TrimRight(text, " \r\n"))
	}
	got = trimBlank(got)
	// reached[n]: the lines of want so far can stand for the first n lines of got.
	reached := make([]bool, len(got)+1)
	reached[0] = true
	for i, text := range want {
		next := make([]bool, len(got)+1)
		some := false
		for n := range reached {
			switch {
			case strings.TrimSpace(text) == anything:
				next[n] = reached[n] || n > 0 && next[n-1]
			case n > 0:
				next[n] = reached[n-1] && matchLine(text, got[n-1])
			}
			some = some || next[n]
		}
		if !some {
			return difference(want, got, i)
		}
		reached = next
	}
	if !reached[len(got)] {
		return difference(want, got, len(want))
	}
	return ""
}

func matchLine(want, got string) bool {
	parts := strings.Split(want, anything)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(got)
}

// difference shows both sides, and the first line that was not there.
func difference(want, got []string, wrong int) string {
	var text strings.Builder
	missing := "the output goes on after the last line expected"
	if wrong < len(want) {
		missing = fmt.Sprintf("no line as expected for %q", want[wrong])
	}
	fmt.Fprintf(&text, "%s\n-- expected\n", missing)
	for i, line := range want {
		mark := "  "
		if i == wrong {
			mark = "! "
		}
		text.WriteString(mark + line + "\n")
	}
	text.WriteString("-- got\n")
	for _, line := range got {
		text.WriteString("  " + line + "\n")
	}
	return text.String()
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want, got string
		equal           bool
	}{
		{"the same", "a\nb", "a\nb\n", true},
		{"blank lines around", "a", "\n\na  \n\n", true},
		{"another line", "a\nb", "a\nc\n", false},
		{"too much", "a", "a\nb\n", false},
		{"too little", "a\nb", "a\n", false},
		{"part of a line", "took … ms", "took 12 ms", true},
		{"part of a line that is empty", "a…b", "ab", true},
		{"part of a line that differs", "took … ms", "took 12 s", false},
		{"no pattern", "a.c", "abc", false},
		{"any lines", "a\n…\nz", "a\nb\nc\nz", true},
		{"no lines", "a\n…\nz", "a\nz", true},
		{"any lines, the second of two ends", "…\nz", "z\ny\nz", true},
		{"any lines, but not the end", "a\n…\nz", "a\nb", false},
		{"any lines to the end", "a\n…", "a\nb\nc", true},
		{"any lines before", "…\nb", "a\nc", false},
		{"nothing but any", "…", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			problem := match(strings.Split(test.want, "\n"), test.got)
			if (problem == "") != test.equal {
				t.Errorf("match(%q, %q): %q", test.want, test.got, problem)
			}
		})
	}
}
