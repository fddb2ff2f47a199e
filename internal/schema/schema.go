// Package schema finds the descriptors of services that were not known when
// the program was built: in descriptor sets, built in or in files, and by
// reflection.
package schema

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jhump/protoreflect/v2/grpcreflect"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/pyvider/rpcplugin/internal/descriptors"
)

// Source knows services. It is what reflection of pkg/services asks, too.
type Source interface {
	// ServiceNames lists the full names of the services it knows.
	ServiceNames() []string
	protodesc.Resolver
}

// Set is a descriptor set.
type Set struct{ *protoregistry.Files }

// Load reads a descriptor set: a built-in one by its name (tfplugin5,
// tfplugin6), or a file as protoc --descriptor_set_out --include_imports
// writes it.
func Load(nameOrFile string) (Set, error) {
	if slices.Contains(descriptors.Names(), nameOrFile) {
		files, err := descriptors.Files(nameOrFile)
		return Set{files}, err
	}
	data, err := os.ReadFile(nameOrFile)
	if err != nil {
		return Set{}, fmt.Errorf("descriptor set: %w (built in are %s)", err, strings.Join(descriptors.Names(), ", "))
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil || len(set.GetFile()) == 0 {
		return Set{}, fmt.Errorf("%q is no descriptor set, expected what protoc --descriptor_set_out writes", nameOrFile)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return Set{}, fmt.Errorf("descriptor set %q: %w (write it with protoc --include_imports)", nameOrFile, err)
	}
	return Set{files}, nil
}

// ServiceNames lists the services of the set, sorted.
func (s Set) ServiceNames() []string {
	var names []string
	s.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			names = append(names, string(file.Services().Get(i).FullName()))
		}
		return true
	})
	slices.Sort(names)
	return names
}

// Reflection asks a server, v1 or v1alpha.
type Reflection struct {
	client *grpcreflect.Client
	names  []string
}

// Reflect opens reflection on a connection and lists the services. The error
// is a gRPC status, Unimplemented where there is no reflection. The caller
// calls Close.
func Reflect(ctx context.Context, conn grpc.ClientConnInterface) (*Reflection, error) {
	client := grpcreflect.NewClientAuto(ctx, conn)
	listed, err := client.ListServices()
	if err != nil {
		client.Reset()
		return nil, err
	}
	names := make([]string, len(listed))
	for i, name := range listed {
		names[i] = string(name)
	}
	slices.Sort(names)
	return &Reflection{client: client, names: names}, nil
}

// ServiceNames lists the services of the server, sorted.
func (r *Reflection) ServiceNames() []string { return r.names }

// FindFileByPath asks the server for a file.
func (r *Reflection) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	file, err := r.client.AsResolver().FindFileByPath(path)
	return file, notFound(err)
}

// FindDescriptorByName asks the server for a symbol.
func (r *Reflection) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	found, err := r.client.AsResolver().FindDescriptorByName(name)
	return found, notFound(err)
}

// notFound says in the words of a resolver that the server has no such thing.
func notFound(err error) error {
	if grpcreflect.IsElementNotFoundError(err) {
		return protoregistry.NotFound
	}
	return err
}

// Close ends the reflection.
func (r *Reflection) Close() { r.client.Reset() }

// ErrUnknown is the error for a service or method that no source knows.
var ErrUnknown = errors.New("unknown")

// Service finds a service in the first of sources that knows it. The error is
// an *UnknownError.
func Service(sources []Source, name string) (protoreflect.ServiceDescriptor, error) {
	var cause error
	for _, source := range sources {
		found, err := source.FindDescriptorByName(protoreflect.FullName(name))
		if service, ok := found.(protoreflect.ServiceDescriptor); ok && err == nil {
			return service, nil
		}
		if err != nil && !errors.Is(err, protoregistry.NotFound) {
			cause = err
		}
	}
	return nil, &UnknownError{Kind: "service", Name: name, Err: cause}
}

// Method finds a method, written package.Service/Method or
// package.Service.Method.
func Method(sources []Source, name string) (protoreflect.MethodDescriptor, error) {
	name = strings.TrimPrefix(name, "/")
	cut := strings.LastIndexByte(name, '/')
	if cut < 0 {
		cut = strings.LastIndexByte(name, '.')
	}
	if cut <= 0 || cut == len(name)-1 {
		return nil, fmt.Errorf("method %q: expected package.Service/Method", name)
	}
	service, err := Service(sources, name[:cut])
	if err != nil {
		return nil, err
	}
	method := service.Methods().ByName(protoreflect.Name(name[cut+1:]))
	if method == nil {
		return nil, &UnknownError{Kind: "method", Name: name[cut+1:], Service: name[:cut], Known: methodNames(service)}
	}
	return method, nil
}

func methodNames(service protoreflect.ServiceDescriptor) []string {
	names := make([]string, service.Methods().Len())
	for i := range names {
		names[i] = string(service.Methods().Get(i).Name())
	}
	return names
}
