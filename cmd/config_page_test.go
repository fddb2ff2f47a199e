package cmd

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

var update = flag.Bool("update", false, "write the tables of docs/settings.md anew")

// settingsTables are the parts of docs/settings.md that the schema writes.
func settingsTables(t *testing.T) map[string]string {
	t.Helper()
	p := &Program{Args: []string{"rpcplugin"}}
	app, err := p.settingsModel()
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string]string)
	for name, command := range map[string]string{"serve": "serve", "connect": "connect", "globals": everyCommand} {
		var rows strings.Builder
		rows.WriteString("| setting | values | default | meaning |\n|---|---|---|---|\n")
		for _, s := range settingsOfModel(app) {
			i := slices.IndexFunc(s.Commands, func(c string) bool { return c == command || strings.HasPrefix(c, command+" ") })
			if i < 0 {
				continue
			}
			said := s
			if i > 0 { // it may mean another thing there
				node := app.Node
				for word := range strings.FieldsSeq(s.Commands[i]) {
					node = childOf(node, word)
				}
				said = settingFrom(settingFlag(node, s.Name))
			}
			meaning := said.Meaning
			if s.Commands[i] != command {
				meaning += " (`" + strings.Join(s.Commands[i:], "`, `") + "`)"
			}
			usual := said.Default
			if usual != "" {
				usual = "`" + usual + "`"
			}
			fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", s.Name, tableCell(said.values()), tableCell(usual), tableCell(meaning))
		}
		tables[name] = rows.String()
	}
	var rows strings.Builder
	rows.WriteString("| pyvider-rpcplugin | values | what it is here |\n|---|---|---|\n")
	for _, row := range pyviderTable() {
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", row.name, row.form, tableCell(row.effect()))
	}
	tables["pyvider"] = rows.String()
	return tables
}

func tableCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// The tables of the page are those of the schema.
func TestSettingsPage(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "docs", "settings.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for name, table := range settingsTables(t) {
		part := regexp.MustCompile(`(?s)(<!-- generated: ` + name + ` -->\n).*?(<!-- end: ` + name + ` -->\n)`)
		if !part.MatchString(page) {
			t.Fatalf("docs/settings.md has no place for the table %q", name)
		}
		page = part.ReplaceAllStringFunc(page, func(old string) string {
			ends := part.FindStringSubmatch(old)
			return ends[1] + table + ends[2]
		})
	}
	if page == string(data) {
		return
	}
	if !*update {
		t.Fatal("docs/settings.md is stale; write it with: go test ./cmd -run TestSettingsPage -update")
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil { //nolint:gosec // a page
		t.Fatal(err)
	}
}
