package cmd

import (
	"fmt"
	"io"

	"github.com/charmbracelet/lipgloss"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// verdictInfo is the JSON form of what hosts make of a line.
type verdictInfo struct {
	Accepted bool         `json:"accepted"`
	Reason   string       `json:"reason,omitempty"`
	Problem  string       `json:"problem,omitempty"`
	Fix      string       `json:"fix,omitempty"`
	Topic    string       `json:"topic,omitempty"`
	GoPlugin goPluginInfo `json:"go_plugin"`
}

// goPluginInfo is the outcome under a host of go-plugin.
type goPluginInfo struct {
	Outcome string `json:"outcome"`
	Says    string `json:"says,omitempty"`
}

func describeVerdict(v handshake.Verdict) verdictInfo {
	info := verdictInfo{Accepted: v.Fine(), GoPlugin: goPluginInfo{Outcome: string(v.GoPlugin), Says: v.GoPluginSays}}
	if fault := v.Fault(); fault != nil {
		info.Reason, info.Problem, info.Fix = string(fault.Reason), fault.Error(), fault.Hint()
		if topic, found := handshake.FindTopic(info.Reason); found {
			info.Topic = topic.Name
		}
	}
	return info
}

// rows adds the verdict to a table.
func (v verdictInfo) rows(table *factTable) {
	if v.Accepted {
		table.row("verdict", "accepted")
	} else {
		table.row("verdict", "refused")
		table.row("reason", visible(v.Problem))
		table.row("fix", visible(v.Fix))
	}
	switch says := visible(v.GoPlugin.Says); handshake.Outcome(v.GoPlugin.Outcome) {
	case handshake.OutcomeStarts:
		table.row("go-plugin", "takes it")
	case handshake.OutcomeRefused:
		table.row("go-plugin", "refuses it: "+says)
	case handshake.OutcomeFails:
		table.row("go-plugin", "takes it, and its first call fails: "+says)
	case handshake.OutcomeCrashes:
		table.row("go-plugin", "crashes: panic: "+says)
	}
	if v.Topic != "" {
		table.row("more", "rpcplugin handshake explain "+v.Topic)
	}
}

// writeVerdict prints a table that has a verdict, in the colour of good or bad.
func writeVerdict(w io.Writer, colour *lipgloss.Renderer, table factTable, good bool) error {
	const row = "verdict"
	for i := range table {
		if table[i][0] != row {
			continue
		}
		style := colour.NewStyle().Bold(true).Foreground(lipgloss.Color("2"))
		if !good {
			style = style.Foreground(lipgloss.Color("1"))
		}
		table[i][1] = style.Render(table[i][1])
	}
	return table.write(w)
}

// refusal is a verdict that was printed. It wraps what decides the exit code.
func (v verdictInfo) refusal() error {
	switch {
	case v.Accepted:
		return nil
	case v.Reason == string(handshake.ReasonCertificateMissing), v.Reason == string(handshake.ReasonCertificateUnasked):
		return fmt.Errorf("%w: %w", errReported, &client.Error{Reason: client.ReasonTLS})
	}
	return fmt.Errorf("%w: %w", errReported, &startError{err: errRefused})
}
