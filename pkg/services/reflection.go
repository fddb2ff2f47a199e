package services

import (
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha" // deprecated, and what older clients ask for
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// Schema is a source of service names and descriptors for reflection. Its
// resolver methods return protoregistry.NotFound for what they do not have.
type Schema interface {
	// ServiceNames lists the full names of the services it knows.
	ServiceNames() []string
	protodesc.Resolver
}

// RegisterReflection adds reflection v1 and v1alpha to server. They list the
// services of server and those of schemas, and answer for their descriptors:
// go-plugin's own under the names on the wire, then those of schemas in order,
// then what is registered globally. Each schema is asked anew for every
// request, so it may learn as it goes.
func RegisterReflection(server *grpc.Server, schemas ...Schema) {
	resolver := append(resolvers{ownDescriptors{}}, asResolvers(schemas)...)
	options := reflection.ServerOptions{
		Services:           serviceUnion{server: server, schemas: schemas},
		DescriptorResolver: append(resolver, protoregistry.GlobalFiles),
	}
	reflectionv1.RegisterServerReflectionServer(server, reflection.NewServerV1(options))
	reflectionv1alpha.RegisterServerReflectionServer(server, reflection.NewServer(options))
}

// serviceUnion lists the services of a server and of schemas.
type serviceUnion struct {
	server  *grpc.Server
	schemas []Schema
}

func (u serviceUnion) GetServiceInfo() map[string]grpc.ServiceInfo {
	all := u.server.GetServiceInfo()
	for _, schema := range u.schemas {
		for _, name := range schema.ServiceNames() {
			if _, known := all[name]; !known {
				all[name] = grpc.ServiceInfo{}
			}
		}
	}
	return all
}

// resolvers asks one resolver after another.
type resolvers []protodesc.Resolver

func asResolvers(schemas []Schema) resolvers {
	list := make(resolvers, len(schemas))
	for i, schema := range schemas {
		list[i] = schema
	}
	return list
}

func (r resolvers) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	for _, resolver := range r {
		if file, err := resolver.FindFileByPath(path); !errors.Is(err, protoregistry.NotFound) {
			return file, err
		}
	}
	return nil, protoregistry.NotFound
}

func (r resolvers) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	for _, resolver := range r {
		if found, err := resolver.FindDescriptorByName(name); !errors.Is(err, protoregistry.NotFound) {
			return found, err
		}
	}
	return nil, protoregistry.NotFound
}

// ownDescriptors knows the services of this package under their names on the
// wire. Nothing is built before reflection asks.
type ownDescriptors struct{}

func (ownDescriptors) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	files, err := Descriptors()
	if err != nil {
		return nil, err
	}
	return files.FindFileByPath(path)
}

func (ownDescriptors) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	files, err := Descriptors()
	if err != nil {
		return nil, err
	}
	return files.FindDescriptorByName(name)
}

// Descriptors returns the descriptors of the stdio, broker and controller
// services under their names on the wire, in a registry of their own.
func Descriptors() (*protoregistry.Files, error) {
	files := new(protoregistry.Files)
	for _, file := range []protoreflect.FileDescriptor{
		pluginpb.File_rpcplugin_plugin_grpc_broker_proto,
		pluginpb.File_rpcplugin_plugin_grpc_controller_proto,
		pluginpb.File_rpcplugin_plugin_grpc_stdio_proto,
	} {
		renamed, err := onWire.File(file)
		if err != nil {
			return nil, err
		}
		if err := files.RegisterFile(renamed); err != nil {
			return nil, fmt.Errorf("register %q: %w", file.Path(), err)
		}
	}
	return files, nil
}
