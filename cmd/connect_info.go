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

// pluginInfo is its JSON form. A plugin that was attached to told of neither core
// version nor TLS, and of pid and app version perhaps.
type pluginInfo struct {
	Attached    bool             `json:"attached,omitempty"`
	Pid         int              `json:"pid,omitempty"`
	CoreVersion int              `json:"core_version,omitempty"`
	AppVersion  *int             `json:"app_version,omitempty"`
	Network     string           `json:"network"`
	Address     string           `json:"address"`
	Protocol    string           `json:"protocol"`
	Multiplex   bool             `json:"multiplex"`
	Certificate *certificateInfo `json:"certificate,omitempty"`
	Phases      phaseInfo        `json:"phases_ms"`
	Services    []string         `json:"services"`
}

// phaseInfo is what the start took, in milliseconds; of a plugin that was
// attached to, only connect.
type phaseInfo struct {
	Process float64 `json:"process,omitempty"`
	Line    float64 `json:"line,omitempty"`
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
		Pid: s.Pid(), CoreVersion: line.CoreVersion, AppVersion: &line.AppVersion,
		Network: line.Network, Address: line.Address, Protocol: line.Protocol,
		Multiplex: line.Multiplex == handshake.MultiplexYes, Services: s.serviceNames(),
		Phases: phaseInfo{
			Process: milliseconds(s.phases.Process), Line: milliseconds(s.phases.Line), Connect: milliseconds(s.phases.Connect),
		},
	}
	if s.attached != nil {
		info.Attached, info.CoreVersion = true, 0
		if s.attached.ProtocolVersion == 0 {
			info.AppVersion = nil
		}
		return info, nil
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
	if i.Attached {
		row("attached", "yes, it goes on running")
	}
	if i.Pid != 0 {
		row("process", "%d", i.Pid)
	}
	if i.CoreVersion != 0 {
		row("core version", "%d", i.CoreVersion)
	}
	if i.AppVersion != nil {
		row("app version", "%d", *i.AppVersion)
	}
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
	if i.Attached {
		row("connect", "%.1f ms", i.Phases.Connect)
	} else {
		row("start", "%s", i.Phases)
	}
	row("services", "%s", strings.Join(i.Services, "\n\t"))
	return table.Flush()
}

// String lists the phases.
func (i phaseInfo) String() string {
	text := fmt.Sprintf("process %.1f ms, line %.1f ms, connect %.1f ms", i.Process, i.Line, i.Connect)
	if i.Program != nil {
		text += fmt.Sprintf(", program %.1f ms", *i.Program)
	}
	return text
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// writeJSON prints a value for programs.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
