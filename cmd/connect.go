package cmd

import (
	"time"
)

// connectCommand is the host role.
type connectCommand struct {
	connectFlags

	Info     infoCommand     `cmd:"" default:"withargs" help:"Show what was negotiated, how long it took, and the services."`
	List     listCommand     `cmd:"" help:"List the services, or the methods of one."`
	Describe describeCommand `cmd:"" help:"Show services, methods, messages and enums as .proto source."`
	Call     callCommand     `cmd:"" help:"Call a method, JSON in and JSON out."`
	Schema   schemaCommand   `cmd:"" help:"Print the schema of a Terraform provider, as \"terraform providers schema -json\" does."`
	Session  sessionCommand  `cmd:"" help:"Start the plugin once and make many calls: line by line from stdin, or at a prompt."`
	Health   healthCommand   `cmd:"" help:"Ask the health service of the plugin."`
	Logs     logsCommand     `cmd:"" help:"Show what the plugin prints and logs."`
	Broker   brokerCommand   `cmd:"" help:"Show what the plugin announces on its broker."`
	Shutdown shutdownCommand `cmd:"" help:"Ask the plugin to stop, and see how it does."`

	Complete connectCompleteCommand `cmd:"" hidden:"" help:"List names for a shell."`
}

// connectGrammar is connect's part of the command line.
type connectGrammar struct {
	Connect connectCommand `cmd:"" usage:"-- CMD ARGS…" help:"Be the host: launch a plugin and look at it or call it."`
}

// connectFlags are what all of connect's actions take.
type connectFlags struct {
	attachFlags
	tlsFlags
	retryFlags
	sourceFlags

	Host         string        `placeholder:"NAME" form:"host" help:"Host to be: ${hosts}."`
	Cookie       string        `placeholder:"NAME=VALUE" form:"cookie" help:"Magic cookie to set."`
	AppVersion   []int         `placeholder:"N,…" help:"App versions to offer; default: those of --host, else 1."`
	TLS          string        `name:"tls" enum:"auto,off,files" default:"auto" help:"TLS with the plugin; auto is AutoMTLS, except where --host does without or the plugin runs already; files is what --cert, --key and --ca name, and follows from them."`
	Multiplex    bool          `help:"Ask that brokered connections share the plugin's one connection; a plugin that does not offer it is refused."`
	Env          []string      `sep:"none" placeholder:"NAME=VALUE" form:"variables" help:"Variable for the plugin; may be given again."`
	Timeout      time.Duration `default:"0s" help:"Bound on all of it; 0s is none."`
	Transport    string        `enum:"auto,unix,tcp" default:"auto" help:"Network to offer to the plugin; auto is either."`
	StartTimeout time.Duration `default:"1m" help:"How long the plugin may take until its handshake line."`
	Output       string        `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (connectCommand) Help() string {
	return `The plugin's command follows a bare "--":

  rpcplugin connect --host terraform -- ./terraform-provider-time
  rpcplugin connect --host kv list -- rpcplugin serve --host kv
  rpcplugin connect --host kv call proto.KV.Put \
    -d '{"key": "a", "value": "MQ=="}' -- rpcplugin serve --host kv

A plugin that runs already is named instead, and goes on running:

  rpcplugin connect --attach 127.0.0.1:1234 list
  rpcplugin connect --reattach env call tfplugin6.Provider.GetProviderSchema

What the services look like is taken from --proto, then --descriptor-set, then
the plugin's reflection, then what is built in.`
}
