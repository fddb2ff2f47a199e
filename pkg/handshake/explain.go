package handshake

import (
	"strconv"
	"strings"
)

// FieldText is one field of a handshake line in words.
type FieldText struct {
	Number  int    // from 1
	Name    string // as errors have it, "core version"
	Value   string // as it stands in the line
	Present bool   // false: the line ends before it
	Meaning string // one or two sentences for somebody who sees such a line for the first time
	Err     *Error // what is wrong with it, for the host that was asked about; nil: nothing
}

// ExplainLine puts the fields of a text's first line into words, with what is
// wrong with each for a host that expects e. It is nil for what has too few
// fields to be a line, for what is too long, and for what is no text.
func ExplainLine(text string, e Expectation) []FieldText {
	text, _, _ = strings.Cut(text, "\n")
	l, f, err := readLine(text)
	if kind, _ := recognizeBytes(text); err != nil || kind == OutputBinary || kind == OutputUTF16 {
		return nil
	}
	value, n := splitFields(strings.TrimSpace(text))
	core, app := f.core, f.app
	if core == nil {
		core = l.checkCore(e)
	}
	if app == nil {
		app = l.checkApp(e)
	}
	certificate := f.certificate
	if certificate == nil {
		certificate = l.checkCertificate()
	}
	fields := []FieldText{
		{Name: fieldCore, Err: core, Meaning: "The version of the handshake itself. It has been 1 ever since, and hosts take nothing else."},
		{Name: fieldApp, Err: app, Meaning: "The version of the application's own services that the plugin chose among those that the host offered in " + EnvProtocolVersions + "."},
		{Name: fieldNetwork, Err: l.checkNetwork(e), Meaning: networkMeaning(l.Network)},
		{Name: fieldAddress, Err: l.checkAddress(), Meaning: addressMeaning(l.Network)},
		{Name: fieldProtocol, Err: l.checkProtocol(e), Meaning: protocolMeaning(l.Protocol, n > 4)},
		{Name: fieldCertificate, Err: certificate, Meaning: certificateMeaning(value[5])},
		{Name: fieldMultiplex, Err: l.checkMultiplex(e, f.multiplex), Meaning: multiplexMeaning(value[6], n > 6)},
	}
	for i := range fields {
		fields[i].Number, fields[i].Value, fields[i].Present = i+1, value[i], i < n
	}
	return fields
}

func networkMeaning(network string) string {
	switch network {
	case NetworkUnix:
		return "How the host reaches the plugin: by a unix socket, a file on the same machine."
	case NetworkTCP:
		return "How the host reaches the plugin: by TCP, mostly on the loopback address of the same machine."
	}
	return "How the host reaches the plugin: \"unix\" or \"tcp\"."
}

func addressMeaning(network string) string {
	if network == NetworkTCP {
		return "Where the plugin listens: host:port. It listens there before it prints the line."
	}
	return "Where the plugin listens: the path of its socket. It listens there before it prints the line."
}

func protocolMeaning(protocol string, present bool) string {
	switch {
	case !present:
		return "Absent, which means netrpc, Go's own net/rpc. A plugin that serves gRPC must say so here."
	case protocol == ProtocolNetRPC:
		return "What is spoken there: Go's own net/rpc, which only Go programs speak."
	}
	return "What is spoken there: gRPC, or Go's older net/rpc as \"netrpc\"."
}

func certificateMeaning(text string) string {
	switch {
	case text == "":
		return "Empty: the plugin serves without TLS. It puts its certificate here if the host has sent one in " + EnvClientCert + "."
	case len(text) <= unusedText:
		return "Too short for a certificate, at most " + strconv.Itoa(unusedText) + " characters: hosts pass it over."
	}
	return "The plugin's certificate for this one run: DER in base64. The host accepts this one and no other."
}

func multiplexMeaning(text string, present bool) string {
	yes, err := strconv.ParseBool(text)
	switch {
	case !present:
		return "Absent: the host did not ask for multiplexing by " + EnvMultiplexGRPC + ", or the plugin does not know it."
	case err != nil:
		return "Whether brokered connections share the plugin's one connection: true or false. Hosts that do not ask pass it over."
	case yes:
		return "Brokered connections share the plugin's one connection."
	}
	return "Brokered connections are sockets of their own."
}
