package cmd

import (
	"regexp"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// painter returns what colours JSON on stdout: nothing, but on a terminal. What
// goes to a program is never coloured.
func (g globals) painter(p *Program) func(string) string {
	plain := func(text string) string { return text }
	if g.Color == "never" || !isTerminal(p.Stdout) {
		return plain
	}
	renderer := newRenderer(p, p.Stdout, g.Color)
	key := renderer.NewStyle().Foreground(lipgloss.Color("4"))
	text := renderer.NewStyle().Foreground(lipgloss.Color("2"))
	other := renderer.NewStyle().Foreground(lipgloss.Color("3"))
	tokens := regexp.MustCompile(`"(?:\\.|[^"\\])*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*`)
	return func(document string) string {
		return tokens.ReplaceAllStringFunc(document, func(token string) string {
			switch name, isKey := strings.CutSuffix(token, ":"); {
			case isKey && token[0] == '"':
				return key.Render(name) + ":"
			case token[0] == '"':
				return text.Render(token)
			default:
				return other.Render(token)
			}
		})
	}
}
