package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// infoCommand shows what was negotiated.
type infoCommand struct{}

// pluginInfo is its JSON form.
type pluginInfo struct {
	Pid         int              `json:"pid"`
	CoreVersion int              `json:"core_version"`
	AppVersion  int              `json:"app_version"`
	Network     string           `json:"network"`
	Address     string           `json:"address"`
	Protocol    string           `json:"protocol"`
	Multiplex   bool             `json:"multiplex"`
	Certificate *certificateInfo `json:"certificate,omitempty"`
	Phases      phaseInfo        `json:"phases_ms"`
	Services    []string         `json:"services"`
}

// phaseInfo is what the start took, in milliseconds.
type phaseInfo struct {
	Process float64 `json:"process"`
	Line    float64 `json:"line"`
	Connect float64 `json:"connect"`
	// Program is until the program behind a bridge accepted, absent without one.
	Program *float64 `json:"program,omitempty"`
}

// Run starts the plugin and prints.
func (infoCommand) Run(ctx context.Context, p *Program, g globals, c *connectFlags, command pluginCommand) error {
	return c.within(ctx, p, g, command, true, func(_ context.Context, s *session) error {
		info, err := s.info()
		if err != nil {
			return err
		}
		s.noteSilence(p)
		if c.Output == "json" {
			return writeJSON(p.Stdout, info)
		}
		return info.write(p.Stdout)
	})
}

func (s *session) info() (pluginInfo, error) {
	line := s.Line()
	info := pluginInfo{
		Pid: s.Pid(), CoreVersion: line.CoreVersion, AppVersion: line.AppVersion,
		Network: line.Network, Address: line.Address, Protocol: line.Protocol,
		Multiplex: line.Multiplex == handshake.MultiplexYes, Services: s.serviceNames(),
		Phases: phaseInfo{
			Process: milliseconds(s.phases.Process), Line: milliseconds(s.phases.Line), Connect: milliseconds(s.phases.Connect),
		},
	}
	if s.bridged {
		waited := milliseconds(s.program)
		info.Phases.Program = &waited
	}
	var err error
	info.Certificate, err = describeCertificate(line.Certificate)
	return info, err
}

// write prints the facts as a table.
func (i pluginInfo) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("process", "%d", i.Pid)
	row("core version", "%d", i.CoreVersion)
	row("app version", "%d", i.AppVersion)
	row("network", "%s", i.Network)
	row("address", "%s", i.Address)
	row("protocol", "%s", i.Protocol)
	if i.Certificate == nil {
		row("tls", "none")
	} else {
		row("tls", "mutual, %s, until %s", i.Certificate.Key, i.Certificate.NotAfter.Format(time.DateOnly))
		row("certificate", "%s", i.Certificate.Subject)
		row("sha256", "%s", i.Certificate.SHA256)
	}
	start := fmt.Sprintf("process %.1f ms, line %.1f ms, connect %.1f ms", i.Phases.Process, i.Phases.Line, i.Phases.Connect)
	if i.Phases.Program != nil {
		start += fmt.Sprintf(", program %.1f ms", *i.Phases.Program)
	}
	row("start", "%s", start)
	row("services", "%s", strings.Join(i.Services, "\n\t"))
	return table.Flush()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// writeJSON prints a value for programs.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
