package docs_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	code      = regexp.MustCompile("`[^`]*`")
	inline    = regexp.MustCompile(`\]\(\s*<?([^)>\s]+)>?[^)]*\)`)
	reference = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:\s*<?([^>\s]+)`)
	quoted    = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	heading   = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.*?)\s*#*$`)
	linked    = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// TestLinks: what the repository's pages link to in the repository is there.
func TestLinks(t *testing.T) {
	t.Parallel()
	problems, err := badLinks("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// badLinks lists the links of all pages below root that lead nowhere.
func badLinks(root string) ([]string, error) {
	var problems []string
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(file) != ".md":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, at := range fenced(string(text)) {
			if at.fence != nil {
				continue
			}
			for _, target := range targets(at.text) {
				if err := follow(file, target); err != nil {
					problems = append(problems, fmt.Sprintf("%s:%d: link %q: %v", file, at.number, target, err))
				}
			}
		}
		return nil
	})
	return problems, err
}

// targets lists what a line links to.
func targets(line string) []string {
	line = code.ReplaceAllString(line, "code")
	var found []string
	for _, form := range []*regexp.Regexp{inline, reference, quoted} {
		for _, match := range form.FindAllStringSubmatch(line, -1) {
			found = append(found, match[1])
		}
	}
	return found
}

// follow looks where a link of a page leads, unless it leaves the repository.
func follow(from, target string) error {
	link, err := url.Parse(target)
	if err != nil || link.Scheme != "" {
		return err
	}
	file := from
	if link.Path != "" {
		if path.IsAbs(link.Path) {
			return fmt.Errorf("it is absolute, expected one from the page's folder")
		}
		file = filepath.Join(filepath.Dir(from), filepath.FromSlash(link.Path))
	}
	if _, err := os.Stat(file); err != nil {
		return err
	}
	if link.Fragment == "" || filepath.Ext(file) != ".md" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if known := anchors(string(text)); !slices.Contains(known, link.Fragment) {
		return fmt.Errorf("no such heading, expected one of %q", known)
	}
	return nil
}

// anchors lists the names that the headings of a page have on its web page.
func anchors(text string) []string {
	var found []string
	for _, at := range fenced(text) {
		match := heading.FindStringSubmatch(at.text)
		if at.fence != nil || match == nil {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, linked.ReplaceAllString(match[1], "$1"))
		for n, first := 1, name; slices.Contains(found, name); n++ {
			name = fmt.Sprintf("%s-%d", first, n)
		}
		found = append(found, name)
	}
	return found
}

func TestBadLinks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"to a page", "[x](other.md)", 0},
		{"to a folder", "[x](folder)", 0},
		{"to a heading", "[x](other.md#what-cert-does) [x](#a-title-1)\n# A title\n# A title", 0},
		{"to the world", "[x](https://example.com/none.md) [x](mailto:me@example.com)", 0},
		{"in code", "`[x](none.md)`", 0},
		{"in a fence", "```\n[x](none.md)\n```", 0},
		{"to nothing", "[x](none.md)", 1},
		{"two on a line", "[x](none.md), [x](none.go)", 2},
		{"with code", "[`x`](none.md)", 1},
		{"to no heading", "[x](other.md#none)", 1},
		{"to no heading of its own", "[x](#none)", 1},
		{"to a heading in a fence", "[x](#no)\n```\n# no\n```", 1},
		{"absolute", "[x](/docs/other.md)", 1},
		{"by reference", "[x]: none.md", 1},
		{"in HTML", `<img src="none.png">`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for name, text := range map[string]string{
				"page.md": test.text, "other.md": "## What `cert` does\n", "folder/x": "",
				"node_modules/x.md": "[x](none)", ".cache/x.md": "[x](none)",
			} {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			problems, err := badLinks(root)
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) != test.want {
				t.Errorf("got %q, want %d", problems, test.want)
			}
		})
	}
}
