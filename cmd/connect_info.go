package cmd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pyvider/rpcplugin/pkg/client"
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
	TLS         string           `json:"tls,omitempty"`
	Phases      phaseInfo        `json:"phases_ms"`
	State       string           `json:"state"`
	Restarts    int              `json:"restarts,omitempty"`
	BytesIn     uint64           `json:"bytes_in"`
	BytesOut    uint64           `json:"bytes_out"`
	Calls       callCounts       `json:"calls"`
	Services    []string         `json:"services"`

	sides string // who shows a certificate, for people
}

// callCounts are the calls up to now, those of the protocol left out.
type callCounts struct {
	Started uint64 `json:"started"`
	Running uint64 `json:"running"`
	Failed  uint64 `json:"failed"`
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
	return c.within(ctx, p, g, command, needs{program: true, sources: true}, func(_ context.Context, s *session) error {
		return infoCommand{}.show(p, s, c.Output)
	})
}

func (infoCommand) show(p *Program, s *session, output string) error {
	info, err := s.info()
	if err != nil {
		return err
	}
	s.noteSilence(p)
	if output == "json" {
		return writeJSON(p.Stdout, info)
	}
	return info.write(p.Stdout)
}

func (s *session) info() (pluginInfo, error) {
	line, counted := s.Line(), s.Metrics()
	info := pluginInfo{
		sides: s.sides,
		State: s.State().String(), Restarts: counted.Restarts, BytesIn: counted.BytesIn, BytesOut: counted.BytesOut,
		Calls: callCounts{Started: counted.Calls.Started, Running: counted.Calls.Running, Failed: counted.Calls.Failed},
		Pid:   s.Pid(), CoreVersion: line.CoreVersion, AppVersion: &line.AppVersion,
		Network: line.Network, Address: line.Address, Protocol: line.Protocol,
		Multiplex: line.Multiplex == handshake.MultiplexYes, Services: s.serviceNames(),
		Phases: startPhases(s.phases),
	}
	certificate := line.Certificate
	if state := s.secured.Load(); state != nil {
		info.TLS = tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
		if len(state.PeerCertificates) > 0 {
			certificate = state.PeerCertificates[0].Raw
		}
	}
	var err error
	if info.Certificate, err = describeCertificate(certificate); err != nil {
		return info, err
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
	return info, nil
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
		row("tls", "%s, %s, until %s", i.sides, i.Certificate.Key, i.Certificate.NotAfter.Format(time.DateOnly))
		row("certificate", "%s", i.Certificate.Subject)
		row("sha256", "%s", i.Certificate.SHA256)
	}
	if i.TLS != "" {
		row("cipher", "%s", i.TLS)
	}
	if i.Multiplex {
		row("multiplex", "yes")
	}
	if i.Attached {
		row("connect", "%.1f ms", i.Phases.Connect)
	} else {
		row("start", "%s", i.Phases)
	}
	row("state", "%s", i.State)
	row("traffic", "%d bytes in, %d bytes out, %d calls, %d failed", i.BytesIn, i.BytesOut, i.Calls.Started, i.Calls.Failed)
	row("services", "%s", strings.Join(i.Services, "\n\t"))
	return table.Flush()
}

func startPhases(phases client.Phases) phaseInfo {
	return phaseInfo{
		Process: milliseconds(phases.Process), Line: milliseconds(phases.Line), Connect: milliseconds(phases.Connect),
	}
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
