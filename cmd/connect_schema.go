package cmd

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// schemaCommand prints the schema of a Terraform provider.
type schemaCommand struct{}

// Help is the long help.
func (schemaCommand) Help() string {
	return `  rpcplugin connect --host terraform schema -- ./terraform-provider-time

The provider is called what --provider says, or after its program:
registry.terraform.io/hashicorp/NAME.`
}

// Run starts the provider and prints as "terraform providers schema -json" does.
func (schemaCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	return f.within(ctx, p, g, command, needs{sources: true}, func(ctx context.Context, s *session) error {
		service, err := s.providerService()
		if err != nil {
			return err
		}
		replies, err := s.providerReplies(ctx, service)
		if err != nil {
			return err
		}
		address := cmp.Or(f.Provider, providerAddress(command))
		text, err := dynamic.SchemaJSON(address, replies...)
		if err != nil {
			return err
		}
		if f.Output == "json" {
			_, err = p.Stdout.Write(append(compactJSON(text), '\n'))
			return err
		}
		return writeIndented(p.Stdout, text, g.painter(p))
	})
}

// providerAddress guesses the address of a provider by its program's name.
func providerAddress(command []string) string {
	name := "provider"
	if len(command) > 0 {
		base := filepath.Base(command[0])
		if rest, is := strings.CutPrefix(base, "terraform-provider-"); is {
			name, _, _ = strings.Cut(strings.TrimSuffix(rest, ".exe"), "_")
		}
	}
	return "registry.terraform.io/hashicorp/" + name
}

// providerService finds the service of a Terraform provider, by the app version
// that was agreed on.
func (s *session) providerService() (protoreflect.ServiceDescriptor, error) {
	names := []string{"tfplugin6.Provider", "tfplugin5.Provider"}
	if s.Line().AppVersion == 5 {
		names[0], names[1] = names[1], names[0]
	}
	if s.reflection != nil {
		for _, name := range s.reflection.ServiceNames() {
			if isTerraform(name) {
				names[0] = name
			}
		}
	}
	return schema.Service(s.sources, names[0])
}

// provider fetches the schema of a Terraform provider, once. One that has none
// is shown by its bytes alone.
func (s *session) provider(ctx context.Context, service protoreflect.ServiceDescriptor) (*dynamic.Provider, error) {
	if s.terraform != nil {
		return s.terraform, nil
	}
	replies, err := s.providerReplies(ctx, service)
	if err != nil {
		if call, ok := errors.AsType[*callError](err); ok && call.status.Code() == codes.Unimplemented {
			return nil, nil //nolint:nilnil // a nil Provider goes by the bytes
		}
		return nil, err
	}
	s.terraform, err = dynamic.NewProvider(replies...)
	return s.terraform, err
}

// providerReplies asks for a provider's schema, and for what not all have.
func (s *session) providerReplies(ctx context.Context, service protoreflect.ServiceDescriptor) ([]protoreflect.Message, error) {
	var replies []protoreflect.Message
	for _, name := range []protoreflect.Name{"GetSchema", "GetProviderSchema", "GetResourceIdentitySchemas"} {
		method := service.Methods().ByName(name)
		if method == nil {
			continue
		}
		reply := dynamicpb.NewMessage(method.Output())
		exchange := &exchange{conn: s.Conn(), method: method, onMessage: func(message, _ proto.Message) error {
			proto.Merge(reply, message)
			return nil
		}}
		err := exchange.run(ctx, once(dynamicpb.NewMessage(method.Input())))
		optional := name == "GetResourceIdentitySchemas"
		if call, failed := errors.AsType[*callError](err); failed && optional && call.status.Code() == codes.Unimplemented {
			continue
		}
		if err != nil {
			return nil, err
		}
		replies = append(replies, reply)
	}
	return replies, nil
}
