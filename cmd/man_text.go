package cmd

import "strings"

// manSurroundings writes what no single command's help tells.
func manSurroundings(r *roff) {
	r.macro("SH", "ENVIRONMENT")
	for _, row := range [][2]string{
		{"RPCPLUGIN_FLAG", "A flag that is not on the command line: RPCPLUGIN_HOST is --host, RPCPLUGIN_LOG_LEVEL is --log-level. It goes before the settings files. cert takes only the options of every command from there."},
		{"NO_COLOR", "If it is set, nothing is coloured unless --color says so."},
		{"TF_REATTACH_PROVIDERS", "Where --reattach env looks for a plugin that runs already."},
	} {
		r.tagged(`\fB`+manText(row[0])+`\fP`, row[1])
	}
	r.macro("PP")
	r.line("The program behind serve \\-\\-exec finds in its environment:")
	for _, row := range [][2]string{
		{"RPCPLUGIN_CHILD_ADDRESS", "Where to listen, as a gRPC target: unix:/… or 127.0.0.1:port."},
		{"RPCPLUGIN_CHILD_SOCKET", "The bare path of the socket; not with --child-transport tcp."},
		{"RPCPLUGIN_CHILD_APP_VERSION", "The app version that host and plugin agreed on."},
	} {
		r.tagged(`\fB`+manText(row[0])+`\fP`, row[1])
	}
	r.macro("SH", "FILES")
	for _, row := range [][2]string{
		{"rpcplugin.yaml", "Flags of serve and connect and their values, in the working directory. A copy of the program under another name reads only the one beside itself, and serves."},
		{"~/.config/rpcplugin/rpcplugin.yaml", "The same for all directories: on macOS ~/Library/Application Support/rpcplugin, on Windows %AppData%\\rpcplugin."},
	} {
		r.tagged(`\fI`+manText(row[0])+`\fP`, row[1])
	}
	r.macro("SH", "EXIT STATUS")
	_, table, _ := strings.Cut(exitHelp, "\n")
	for line := range strings.Lines(table) {
		code, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.tagged(`\fB`+manText(code)+`\fP`, strings.TrimSpace(meaning))
	}
	r.macro("SH", "EXAMPLES")
	r.text(manExamples)
}

// manExamples are first steps.
const manExamples = `A provider of Terraform in Python, by hand; stderr says how to attach to it:

  rpcplugin serve --host terraform --standalone --exec python3 provider.py

What a plugin serves, and a call:

  rpcplugin connect --host terraform list -- ./terraform-provider-time
  rpcplugin connect --host terraform call tfplugin5.Provider/GetSchema \
    -d '{}' -- ./terraform-provider-time

Why a handshake line is refused:

  rpcplugin handshake parse '1|6|unix|/tmp/plugin.sock|grpc|'

Why TLS fails:

  rpcplugin cert doctor server.pem --key server-key.pem`
