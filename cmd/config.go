package cmd

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// configCommand shows and checks settings.
type configCommand struct {
	Show   configShowCommand   `cmd:"" usage:"[-- FLAGS…]" help:"Show the settings that are in force, and where they come from."`
	List   configListCommand   `cmd:"" help:"List all settings: type, default, commands, meaning."`
	Schema configSchemaCommand `cmd:"" help:"Print a JSON schema of rpcplugin.yaml, for editors."`
	Check  configCheckCommand  `cmd:"" help:"Tell of all mistakes in a settings file."`
}

// configListCommand prints the schema.
type configListCommand struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Run prints it.
func (c *configListCommand) Run(p *Program) error {
	app, err := p.settingsModel()
	if err != nil {
		return err
	}
	all := settingsOfModel(app)
	if c.Output == "json" {
		return writeJSON(p.Stdout, all)
	}
	var rows [][2]string
	for _, s := range all {
		facts := s.values()
		if s.Default != "" {
			facts += ", default " + s.Default
		}
		rows = append(rows, [2]string{s.Name, s.Meaning + " (" + facts + "; of " + strings.Join(s.Commands, ", ") + ")"})
	}
	var text strings.Builder
	writeRows(&text, "Settings", rows)
	_, err = io.WriteString(p.Stdout, strings.TrimPrefix(text.String(), "\n"))
	return err
}

// writeColumns prints rows of which all but the last column are lined up.
func writeColumns(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// orDash stands in for nothing in a table.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
