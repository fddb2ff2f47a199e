package cmd

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// listCommand lists services, or the methods of one.
type listCommand struct {
	Service string `arg:"" optional:"" help:"Service whose methods to list."`
}

// methodInfo is the JSON form of a method.
type methodInfo struct {
	Name            string `json:"name"`
	Request         string `json:"request"`
	Response        string `json:"response"`
	ClientStreaming bool   `json:"client_streaming"`
	ServerStreaming bool   `json:"server_streaming"`
}

// Run starts the plugin and prints.
func (l *listCommand) Run(ctx context.Context, p *Program, g globals, c *connectFlags, command pluginCommand) error {
	return c.within(ctx, p, g, command, needs{program: true, sources: true}, func(_ context.Context, s *session) error {
		return l.show(p, s, c.Output)
	})
}

func (l *listCommand) show(p *Program, s *session, output string) error {
	if l.Service == "" {
		s.noteSilence(p)
		return l.services(p, output, s.serviceNames())
	}
	service, err := schema.Service(s.sources, l.Service)
	if err != nil {
		return s.unknown(err)
	}
	return l.methods(p, output, service)
}

func (*listCommand) services(p *Program, output string, names []string) error {
	if output == "json" {
		return writeJSON(p.Stdout, names)
	}
	for _, name := range names {
		fmt.Fprintln(p.Stdout, name)
	}
	return nil
}

func (*listCommand) methods(p *Program, output string, service protoreflect.ServiceDescriptor) error {
	methods := make([]methodInfo, service.Methods().Len())
	for i := range methods {
		method := service.Methods().Get(i)
		methods[i] = methodInfo{
			Name:            fmt.Sprintf("%s/%s", service.FullName(), method.Name()),
			Request:         string(method.Input().FullName()),
			Response:        string(method.Output().FullName()),
			ClientStreaming: method.IsStreamingClient(),
			ServerStreaming: method.IsStreamingServer(),
		}
	}
	if output == "json" {
		return writeJSON(p.Stdout, methods)
	}
	for _, method := range methods {
		fmt.Fprintln(p.Stdout, method.Name)
	}
	return nil
}
