//go:build unix

package interop

import "time"

// check is one row of the page: what a plugin does under hosts that offer the
// versions 5 and 6, and what comes of it.
type check struct {
	did   string // for the page
	fault fault
	// refused says the verdict of both hosts.
	refused bool
	// names is what our message must contain: the value that is wrong.
	names string

	autoMTLS, multiplex bool
	cookie              string
	timeout             time.Duration
	// crashes is set where go-plugin's host does not survive its plugin.
	crashes bool
}

// silence is the start timeout for plugins that never print their line.
const silence = time.Second

// checks are a host's, in its order, then what a host lets pass.
func checks() []check {
	refused := func(did, names string, f fault) check { return check{did: did, names: names, fault: f, refused: true} }
	line := func(did, names, text string) check { return refused(did, names, fault{Print: text + "\n"}) }
	with := func(c check, change func(*check)) check { change(&c); return c }
	slow := func(c *check) { c.timeout = silence }
	asked := func(c *check) { c.multiplex = true }
	secure := func(c *check) { c.autoMTLS = true }
	passes := func(did, text, then string) check { return check{did: did, fault: fault{Print: text, Then: then}} }
	bang := "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"
	return []check{
		with(refused("prints nothing", "1s", fault{}), slow),
		with(refused("prints its line without a line end, and goes on", sixFields, fault{Print: sixFields}), slow),
		with(refused("closes its stdout", "closed its stdout", fault{Then: closes}), slow),
		refused("exits with status 3", "exited with status 3", fault{Then: exits, Status: 3, Stderr: "no module named grpc\n"}),
		refused("exits with status 0", "exited with status 0", fault{Then: exits}),
		refused("is killed", "SIGKILL", fault{Then: dies}),
		{did: "misses its magic cookie", names: "exited with status 1", cookie: "bye", refused: true},

		line("prints a greeting first", `is "Hello, world!"`, "Hello, world!"),
		line("prints an empty line first", "is empty", ""),
		line("prints three fields", `is "1|6|unix"`, "1|6|unix"),
		line("prints a line of 70 000 bytes", "AAAA", "1|6|unix|/x|grpc|{long}"),

		line("core version is a word", `is "one"`, "one|6|unix|/nonexistent/plugin.sock|grpc|"),
		line("core version is 2", `is "2"`, "2|6|unix|/nonexistent/plugin.sock|grpc|"),
		line("core and app version are swapped", `is "6"`, "6|1|unix|/nonexistent/plugin.sock|grpc|"),
		line("app version has a v", `is "v6"`, "1|v6|unix|/nonexistent/plugin.sock|grpc|"),
		line("app version was not offered", `is "4"`, "1|4|unix|/nonexistent/plugin.sock|grpc|"),

		line("network is unknown", `is "udp"`, "1|6|udp|127.0.0.1:10000|grpc|"),
		line("tcp address has no port", `is "127.0.0.1"`, "1|6|tcp|127.0.0.1|grpc|"),
		line("tcp address has a scheme", `is "tcp://127.0.0.1:10000"`, "1|6|tcp|tcp://127.0.0.1:10000|grpc|"),
		line("tcp address is a path", `is "/tmp/plugin.sock"`, "1|6|tcp|/tmp/plugin.sock|grpc|"),
		line("tcp port is too high", `is "127.0.0.1:65536"`, "1|6|tcp|127.0.0.1:65536|grpc|"),
		line("tcp port is 0", `is "127.0.0.1:0"`, "1|6|tcp|127.0.0.1:0|grpc|"),
		line("tcp address at which nobody listens", `"127.0.0.1:1"`, "1|6|tcp|127.0.0.1:1|grpc|"),
		line("unix path is empty", "empty address (field 4)", "1|6|unix||grpc|"),
		line("unix path at which nobody listens", `"/nonexistent/plugin.sock"`, sixFields),

		line("prints four fields, which means net/rpc", `is "netrpc"`, "1|6|unix|/nonexistent/plugin.sock"),
		line("protocol is net/rpc", `is "netrpc"`, "1|6|unix|/nonexistent/plugin.sock|netrpc|"),
		line("protocol in upper case", `is "gRPC"`, "1|6|unix|/nonexistent/plugin.sock|gRPC|"),

		line("certificate is no base64", bang, sixFields+bang),
		line("certificate is PEM in base64", "-----BEGIN CERTIFICATE-----", sixFields+"{pem}"),
		with(refused("no certificate, though AutoMTLS was asked for", "no certificate",
			fault{Print: "1|6|unix|{address}|grpc|\n", Then: servesPlain}), secure),
		with(refused("a certificate, and a server without TLS", "TLS",
			fault{Print: "1|6|unix|{address}|grpc|{certificate}\n", Then: servesPlain}), secure),
		with(refused("a certificate that nobody asked for", "certificate",
			fault{Print: "1|6|unix|{address}|grpc|{certificate}\n", Then: serves}), func(c *check) { c.crashes = true }),

		with(line("no field 7, though multiplexing was asked for", "field 7", sixFields), asked),
		with(line("field 7 is false, though multiplexing was asked for", `is "false"`, sixFields+"|false"), asked),
		with(line("field 7 is no boolean, though multiplexing was asked for", `is "perhaps"`, sixFields+"|perhaps"), asked),

		passes("prints its line without a line end and closes stdout", "1|6|unix|{address}|grpc|", servesMute),
		passes("blanks around the line, and a carriage return", " \t1|6|unix|{address}|grpc|\r\n", serves),
		passes("numbers with a sign and zeros", "+1|06|unix|{address}|grpc|\n", serves),
		passes("prints five fields", "1|6|unix|{address}|grpc\n", serves),
		passes("at most 50 bytes of text in the certificate's field", "1|6|unix|{address}|grpc|unused\n", serves),
		passes("field 7 is no boolean, and nobody asked", "1|6|unix|{address}|grpc||perhaps\n", serves),
		passes("prints eight fields", "1|6|unix|{address}|grpc||false|more\n", serves),
		passes("prints more after its line", "1|6|unix|{address}|grpc|\nHello, world!\n", serves),
	}
}
