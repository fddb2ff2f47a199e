package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// handshakeCommand explains lines.
type handshakeCommand struct {
	Parse parseCommand `cmd:"" help:"Explain a handshake line, field by field."`
}

// parseCommand explains one line.
type parseCommand struct {
	Line   string `arg:"" optional:"" default:"-" help:"The line; - reads stdin, @FILE a file."`
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
}

// Run reads, checks and prints. A line that a host would refuse is shown as
// far as it goes, and the refusal is the error.
func (c *parseCommand) Run(p *Program) error {
	text, err := c.text(p.Stdin)
	if err != nil {
		return err
	}
	expected := handshake.Expectation{Protocols: []string{handshake.ProtocolGRPC, handshake.ProtocolNetRPC}}
	line, err := handshake.ParseLine(text)
	if err != nil {
		// A host reports the first thing wrong in its own order, and passes over
		// a field 7 that it did not ask for.
		if line, err = handshake.AcceptLine(text, expected); err != nil {
			return &startError{err: err}
		}
	}
	info := lineInfo{
		CoreVersion: line.CoreVersion, AppVersion: line.AppVersion,
		Network: line.Network, Address: line.Address, Protocol: line.Protocol,
	}
	if line.Multiplex != handshake.MultiplexAbsent {
		multiplex := line.Multiplex == handshake.MultiplexYes
		info.Multiplex = &multiplex
	}
	refusal := line.Check(expected)
	info.Certificate, _ = describeCertificate(line.Certificate) // the check says what is wrong with it
	if c.Output == "json" {
		err = writeJSON(p.Stdout, info)
	} else {
		err = info.write(p.Stdout, line)
	}
	if err == nil && refusal != nil {
		return &startError{err: refusal}
	}
	return err
}

// text finds the line: the first one of what was given.
func (c *parseCommand) text(stdin io.Reader) (string, error) {
	var data []byte
	var err error
	switch {
	case c.Line == "-" && isTerminal(stdin):
		return "", usagef("rpcplugin handshake parse '1|6|unix|/path|grpc|', in quotes that keep the shell off", "no line was given")
	case c.Line == "-":
		data, err = io.ReadAll(io.LimitReader(stdin, handshake.MaxLineBytes))
	case strings.HasPrefix(c.Line, "@"):
		data, err = os.ReadFile(c.Line[1:])
	default:
		return c.Line, nil
	}
	if err != nil {
		return "", &usageError{err: err, hint: "a line is given as it is, @FILE reads a file, - reads stdin"}
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return first, nil
}

// write prints a row a field, with its meaning.
func (i lineInfo) write(w io.Writer, line handshake.Line) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(number int, name, value, meaning string) {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", number, name, value, meaning)
	}
	row(1, "core version", fmt.Sprint(i.CoreVersion), "of the go-plugin protocol itself, always 1")
	row(2, "app version", fmt.Sprint(i.AppVersion), "of the plugin's services, one that the host offered")
	row(3, "network", i.Network, "how the plugin is reached: unix or tcp")
	row(4, "address", i.Address, "where: a socket's path, or host:port")
	row(5, "protocol", i.Protocol, protocolMeaning(i.Protocol))
	switch {
	case i.Certificate != nil:
		row(6, "certificate", i.Certificate.Key, fmt.Sprintf("%s, until %s, sha256 %s",
			i.Certificate.Subject, i.Certificate.NotAfter.Format("2006-01-02"), i.Certificate.SHA256))
	case len(line.Certificate) > 0:
		row(6, "certificate", fmt.Sprintf("%d bytes", len(line.Certificate)), "that are no certificate")
	default:
		row(6, "certificate", "none", "no TLS: the host sent no PLUGIN_CLIENT_CERT")
	}
	row(7, "multiplexing", line.Multiplex.String(), multiplexMeaning(line.Multiplex))
	return table.Flush()
}

func protocolMeaning(protocol string) string {
	if protocol == handshake.ProtocolNetRPC {
		return "Go's net/rpc, which only Go plugins speak"
	}
	return "what is spoken there"
}

func multiplexMeaning(m handshake.Multiplex) string {
	switch m {
	case handshake.MultiplexYes:
		return "brokered connections share this one"
	case handshake.MultiplexNo:
		return "brokered connections are sockets of their own, though the host asked for one"
	case handshake.MultiplexAbsent:
		return "the host did not ask: brokered connections are sockets of their own"
	default:
		return ""
	}
}
