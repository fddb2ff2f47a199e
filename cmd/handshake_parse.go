package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// parseCommand explains one line.
type parseCommand struct {
	lineArgument
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// lineInfo is the JSON form of a line.
type lineInfo struct {
	CoreVersion int              `json:"core_version"`
	AppVersion  int              `json:"app_version"`
	Network     string           `json:"network"`
	Address     string           `json:"address"`
	Protocol    string           `json:"protocol"`
	Certificate *certificateInfo `json:"certificate,omitempty"`
	Multiplex   *bool            `json:"multiplex,omitempty"`
	Fields      []fieldInfo      `json:"fields"`
}

// fieldInfo is one field in words.
type fieldInfo struct {
	Number  int    `json:"number"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
	Problem string `json:"problem,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// describeLine puts a line into words, nil for what is none. A certificate that
// can be read stands for field 6.
func describeLine(text string, expected handshake.Expectation) *lineInfo {
	explained := handshake.ExplainLine(text, expected)
	if explained == nil {
		return nil
	}
	line := handshake.Judge(text, expected, false).Line
	info := &lineInfo{
		CoreVersion: line.CoreVersion, AppVersion: line.AppVersion,
		Network: line.Network, Address: line.Address, Protocol: line.Protocol,
	}
	if line.Multiplex != handshake.MultiplexAbsent {
		multiplex := line.Multiplex == handshake.MultiplexYes
		info.Multiplex = &multiplex
	}
	info.Certificate, _ = describeCertificate(line.Certificate) // the field says what is wrong with it
	for _, field := range explained {
		described := fieldInfo{Number: field.Number, Name: field.Name, Value: field.Value, Meaning: field.Meaning}
		if field.Err != nil {
			described.Problem, described.Fix = field.Err.Error(), field.Err.Hint()
		}
		switch certificate := info.Certificate; {
		case field.Number == 5 && !field.Present:
			described.Value = line.Protocol
		case field.Number == 6 && certificate != nil:
			described.Value = fmt.Sprintf("%s, %s, until %s", certificate.Key, certificate.Subject, certificate.NotAfter.Format("2006-01-02"))
			described.Meaning += " Its SHA-256:\n" + certificate.SHA256
		}
		info.Fields = append(info.Fields, described)
	}
	return info
}

// valueBytes bounds what is shown of a field; paths of sockets fit.
const valueBytes = 120

// write prints the fields, each with its meaning below it.
func (i *lineInfo) write(w io.Writer) error {
	var table factTable
	for _, field := range i.Fields {
		value := "–"
		if field.Value != "" {
			value = printable(field.Value[:min(len(field.Value), valueBytes)])
		}
		if len(field.Value) > valueBytes {
			value += "…"
		}
		if field.Problem != "" {
			field.Meaning += "\nWrong: " + strings.TrimPrefix(field.Problem, "handshake line: ") + "\nFix: " + field.Fix
		}
		table.row(fmt.Sprintf("%d %s", field.Number, field.Name), value+"\n"+field.Meaning)
	}
	return table.write(w)
}

// Run reads, checks and prints. A line that a host would refuse is shown as
// far as it goes, and the refusal is the error.
func (c *parseCommand) Run(p *Program) error {
	text, err := c.text(p.Stdin)
	if err != nil {
		return err
	}
	bare := strings.TrimPrefix(text, "\ufeff")
	if bare != text {
		fmt.Fprintln(p.Stderr, "note: a byte order mark before the line was passed over; hosts do not take it")
	}
	expected := handshake.Expectation{Protocols: []string{handshake.ProtocolGRPC, handshake.ProtocolNetRPC}}
	if info := describeLine(bare, expected); info != nil {
		if c.Output == "json" {
			err = writeJSON(p.Stdout, info)
		} else {
			err = info.write(p.Stdout)
		}
		if err != nil {
			return err
		}
	}
	// The certificate is as good as its line, whoever asked for it.
	verdict := handshake.Judge(bare, expected, false)
	if verdict.Err != nil && verdict.Err.Reason != handshake.ReasonCertificateUnasked {
		return &startError{err: verdict.Err}
	}
	return nil
}
