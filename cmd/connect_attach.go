package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// attachFlags name a plugin that runs already, in place of a command.
type attachFlags struct {
	Attach   string `placeholder:"ADDRESS" help:"Attach to the plugin that listens there without TLS, instead of starting one: the path of its socket, or host:port."`
	Reattach string `placeholder:"JSON" help:"The same by the reattach configuration that a plugin printed, Go's or Terraform's: JSON, @FILE, or env for TF_REATTACH_PROVIDERS."`
	Provider string `placeholder:"ADDRESS" help:"Which provider, if --reattach has several; what schema calls it."`
}

// running returns the plugin to attach to, nil if command is to be started.
// Its ProtocolVersion is 0 if it is not known.
func (f *attachFlags) running(p *Program, command []string, offered []int, served int) (*handshake.Reattach, error) {
	var ways []string
	if f.Attach != "" {
		ways = append(ways, "--attach")
	}
	if f.Reattach != "" {
		ways = append(ways, "--reattach")
	}
	if len(command) > 0 {
		ways = append(ways, "the command after \"--\"")
	}
	switch {
	case len(ways) == 0:
		return nil, usagef("for example rpcplugin connect --host terraform -- ./terraform-provider-time; one that runs already is named by --attach or --reattach; see rpcplugin connect --help",
			"no plugin is named, expected its command after \"--\"")
	case len(ways) > 1:
		return nil, usagef("--attach and --reattach are for a plugin that runs already, a command after \"--\" starts one",
			"%s each name a plugin, expected one", strings.Join(ways, " and "))
	case f.Attach != "":
		return f.listener(offered, served)
	case f.Reattach != "":
		return f.reattach(p)
	default:
		return nil, nil //nolint:nilnil // there is none to attach to, and nothing wrong
	}
}

// listener is the plugin at a bare address. Nobody tells its app version: it is
// the one that the flags or the host's preset stand for.
func (f *attachFlags) listener(offered []int, served int) (*handshake.Reattach, error) {
	endpoint, err := transport.ParseEndpoint(f.Attach)
	if err != nil {
		return nil, &usageError{err: fmt.Errorf("--attach: %w", err), hint: hintOf(err)}
	}
	version := served
	if len(offered) > 0 && !slices.Contains(offered, served) {
		version = slices.Max(offered)
	}
	return &handshake.Reattach{
		Protocol: handshake.ProtocolGRPC, ProtocolVersion: version, Network: endpoint.Network, Address: endpoint.Address, Test: true,
	}, nil
}

// reattach is the plugin of a reattach configuration.
func (f *attachFlags) reattach(p *Program) (*handshake.Reattach, error) {
	text, isMap, err := f.configuration(p)
	if err != nil {
		return nil, err
	}
	var found handshake.Reattach
	if isMap {
		found, err = f.pick(text)
	} else {
		found, err = handshake.ParseReattach([]byte(text))
	}
	if err != nil {
		return nil, &usageError{err: err, hint: hintOf(err)}
	}
	found.ProtocolVersion, found.Test = found.Version(), true
	return &found, nil
}

// configuration reads the JSON text; isMap says that it has several providers,
// or could have.
func (f *attachFlags) configuration(p *Program) (text string, isMap bool, err error) {
	text = f.Reattach
	switch path, isFile := strings.CutPrefix(text, "@"); {
	case text == "env":
		text, _ = p.LookupEnv(handshake.EnvReattachProviders)
		if strings.TrimSpace(text) == "" {
			return "", false, usagef("a plugin that serves by itself prints it, see rpcplugin serve --standalone; --attach takes the address alone",
				"--reattach env: %s is not set", handshake.EnvReattachProviders)
		}
		return text, true, nil
	case isFile:
		data, err := os.ReadFile(path)
		if err != nil {
			return "", false, &usageError{err: err, hint: "--reattach @FILE reads a file"}
		}
		text = string(data)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil || len(members) == 0 {
		return text, false, nil
	}
	for _, own := range []string{"Protocol", "ProtocolVersion", "Pid", "Test", "Addr"} {
		if _, has := members[own]; has {
			return text, false, nil
		}
	}
	return text, true, nil
}

// pick chooses among the providers of a TF_REATTACH_PROVIDERS.
func (f *attachFlags) pick(text string) (handshake.Reattach, error) {
	providers, err := handshake.ParseReattachProviders(text)
	if err != nil {
		return handshake.Reattach{}, err
	}
	names := slices.Sorted(maps.Keys(providers))
	choice := "it has " + strings.Join(names, ", ")
	switch found, has := providers[f.Provider]; {
	case has:
		return found, nil
	case len(names) == 0:
		return found, usagef("a plugin that serves by itself prints it, see rpcplugin serve --standalone", "--reattach has no provider")
	case f.Provider != "":
		return found, usagef(choice, "--reattach has no provider %q", f.Provider)
	case len(names) > 1:
		return found, usagef(choice, "--reattach has %d providers, expected --provider to say which", len(names))
	default:
		return providers[names[0]], nil
	}
}

// open starts the plugin of config, or attaches to the one that runs.
func open(ctx context.Context, config client.Config, running *handshake.Reattach) (*client.Client, error) {
	if running != nil {
		return client.Attach(ctx, config, *running)
	}
	return client.Start(ctx, config)
}
