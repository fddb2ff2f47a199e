package handshake_test

import (
	"errors"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// terraformEnv stands for os.LookupEnv in a process that Terraform started.
func terraformEnv(key string) (string, bool) {
	value, ok := map[string]string{
		"PLUGIN_MIN_PORT":          "10000",
		"PLUGIN_MAX_PORT":          "25000",
		"PLUGIN_PROTOCOL_VERSIONS": "6,5",
	}[key]
	return value, ok
}

// A plugin reads its environment, chooses a version and prints its line.
func Example() {
	env, err := handshake.ReadEnv(terraformEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	version, _ := handshake.ChooseVersion([]int{5, 6}, env.AppVersions)
	line := handshake.Line{
		CoreVersion: handshake.CoreVersion,
		AppVersion:  version,
		Network:     handshake.NetworkUnix,
		Address:     "/tmp/plugin.sock",
		Protocol:    handshake.ProtocolGRPC,
	}
	if env.MultiplexSet {
		line.Multiplex = handshake.MultiplexYes
	}
	text, err := line.Format()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text)
	// Output: 1|6|unix|/tmp/plugin.sock|grpc|
}

func ExampleParseLine() {
	l, err := handshake.ParseLine("1|6|unix|/tmp/plugin.sock|grpc||true\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.AppVersion, l.Network, l.Address, l.Protocol, l.Multiplex)
	// Output: 6 unix /tmp/plugin.sock grpc true
}

// A host says what is wrong, and what to do about it.
func ExampleAcceptLine() {
	_, err := handshake.AcceptLine("1|4|unix|/tmp/plugin.sock|grpc|", handshake.Expectation{AppVersions: []int{5, 6}})
	if e, ok := errors.AsType[*handshake.Error](err); ok {
		fmt.Println("reason:", e.Reason)
		fmt.Println("error:", e)
		fmt.Println("hint:", e.Hint())
	}
	// Output:
	// reason: app-version
	// error: handshake line: app version (field 2) is "4", expected "5" or "6"
	// hint: plugin and host have no version in common, and a plugin then answers with its lowest: update the older of the two
}

func ExampleLine_Check() {
	l, err := handshake.ParseLine("1|1|tcp|127.0.0.1|grpc|")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Check(handshake.Expectation{}))
	// Output: handshake line: address (field 4) is "127.0.0.1", expected host:port with a port from 1 to 65535: missing port in address
}

func ExampleEnv_Environ() {
	env := handshake.Env{AppVersions: []int{5, 6}, Transports: []string{"unix", "tcp"}}
	for _, entry := range env.Environ() {
		fmt.Println(entry)
	}
	// Output:
	// PLUGIN_MAX_PORT=25000
	// PLUGIN_MIN_PORT=10000
	// PLUGIN_PROTOCOL_VERSIONS=5,6
	// PLUGIN_TRANSPORTS=unix,tcp
}

func ExampleStripEnv() {
	inherited := []string{"HOME=/root", "BASIC_PLUGIN=hello", "PLUGIN_MIN_PORT=10000"}
	fmt.Println(handshake.StripEnv(inherited, "BASIC_PLUGIN"))
	// Output: [HOME=/root]
}

func ExampleCookieText() {
	cookie := handshake.Cookie{Key: "BASIC_PLUGIN", Value: "hello"}
	if err := cookie.Check(terraformEnv); err != nil {
		fmt.Print(handshake.CookieText(cookie, "./kv-plugin", "the KV example"))
	}
	// Output:
	// ./kv-plugin is a plugin and does nothing useful on its own.
	// You do not need to start it: the KV example does so whenever it needs the plugin.
	//
	// To try it by hand, set the variable by which it knows its host:
	//
	//     BASIC_PLUGIN=hello ./kv-plugin
	//
	// It then prints one line that says where it listens, and waits to be called.
	// If Ctrl-C does not end it, which it may leave to its host, kill does.
}

func ExampleFormatReattachProviders() {
	text, err := handshake.FormatReattachProviders(map[string]handshake.Reattach{
		"registry.terraform.io/acme/demo": {
			Protocol: "grpc", ProtocolVersion: 6, Pid: 1234, Network: "unix", Address: "/tmp/s", Test: true,
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("export " + handshake.EnvReattachProviders + "='" + text + "'")
	// Output: export TF_REATTACH_PROVIDERS='{"registry.terraform.io/acme/demo":{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"unix","String":"/tmp/s"}}}'
}
