package handshake

// Hint says what to do next: one line, lower case, no full stop. It is never
// empty for the reasons of this package.
func (e *Error) Hint() string {
	if e.advice != "" {
		return e.advice
	}
	switch e.Reason {
	case ReasonTimeout:
		return "flush stdout after the line (Python: print(line, flush=True)), look at the plugin's stderr " +
			"for what it waits for, or raise the start timeout"
	case ReasonExited:
		return "the plugin's stderr says why; most often a wrong magic cookie, a missing library or " +
			"interpreter, or a crash at start"
	case ReasonEnvPort, ReasonEnvPortRange, ReasonEnvVersions, ReasonEnvMultiplex, ReasonEnvCertificate,
		ReasonEnvTransports, ReasonEnvSocketDir, ReasonEnvLeaked:
		return e.envHint()
	case ReasonCookie:
		return "this program is a plugin: let its host start it, or set the variable by hand to try it"
	case ReasonReattachSyntax:
		return "give the JSON as the plugin printed it, without the variable's name and the shell's quotes around it"
	case ReasonReattachValue:
		return "copy the JSON again from the plugin that is running"
	case ReasonReattachAddress:
		return `write Addr as {"Network":"unix","String":"/path"} (Terraform), {"Name":"/path","Net":"unix"} ` +
			`or {"IP":"127.0.0.1","Port":10000,"Zone":""} (Go)`
	default:
		return e.lineHint()
	}
}

// envHint is the advice about what a host has set.
func (e *Error) envHint() string {
	switch e.Reason {
	case ReasonEnvPort:
		return "use a number from 0 to 65535, or leave the variable unset for any free port; " +
			"only plugins that listen on TCP need it"
	case ReasonEnvPortRange:
		return "give the lower port as PLUGIN_MIN_PORT, or leave both unset for any free port; " +
			"only plugins that listen on TCP need them"
	case ReasonEnvVersions:
		return `write whole numbers with commas between them, such as "5,6"; plugins pass over the rest`
	case ReasonEnvMultiplex:
		return `write "true" or "false"; plugins take everything else for false`
	case ReasonEnvCertificate:
		return "hosts put the PEM of one certificate there, with its line breaks; without the variable there is no TLS"
	case ReasonEnvTransports:
		return `write "unix", "tcp" or "unix,tcp", or leave it unset for both`
	case ReasonEnvSocketDir:
		return "name a short directory that exists and that the plugin may write to, such as /tmp"
	case ReasonEnvLeaked:
		return "a host that is started from here would hand it to its plugins: unset " + e.Field
	default:
		return ""
	}
}

// lineHint is the advice about the handshake line.
func (e *Error) lineHint() string {
	switch e.Reason {
	case ReasonLineLength:
		return "this is hardly a handshake line: send everything else the plugin prints to stderr"
	case ReasonFieldCount:
		return "the handshake line must be the first on stdout: send prints and logs to stderr, and check that " +
			"the command is the plugin itself, for this machine"
	case ReasonCharacter:
		return `choose a value, such as a socket path, without "|", line breaks and control characters`
	case ReasonCoreNumber:
		return `this is probably other output with "|" in it: the handshake line must be the first on stdout`
	case ReasonCoreVersion:
		return "print 1 in field 1, or rebuild the plugin with a current library; " +
			"the application's own version belongs into field 2"
	case ReasonAppNumber:
		return `print the version as a bare number, without "v" and without a dot`
	case ReasonAppVersion:
		return "plugin and host have no version in common, and a plugin then answers with its lowest: " +
			"update the older of the two"
	case ReasonNetwork:
		return `print "unix" with the path of a socket, or "tcp" with host:port, IPv6 included`
	case ReasonAddress:
		return "print the listener's own address, such as 127.0.0.1:10000"
	case ReasonProtocol:
		return `print "grpc" in field 5, in lower case`
	case ReasonCertificate:
		return "print the certificate's DER as standard base64 in one piece " +
			"(Python: base64.b64encode(der).rstrip(b'='))"
	case ReasonCertificateMissing:
		return "a plugin that finds PLUGIN_CLIENT_CERT serves with TLS and prints its certificate in field 6; " +
			"one that cannot is reached with TLS turned off in the host"
	case ReasonCertificateUnasked:
		return "print a certificate only when PLUGIN_CLIENT_CERT is set: hosts of go-plugin that did not ask crash on it"
	case ReasonMultiplex:
		return `the plugin must print "true" in field 7 whenever PLUGIN_MULTIPLEX_GRPC is set: update it ` +
			"(Go: go-plugin 1.6 or later), or turn multiplexing off in the host"
	default:
		return ""
	}
}
