package testscript_test

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// providerSchema is the schema of registerProvider: a resource "demo" with a
// required name and a computed id.
const providerSchema = `{"provider": {"block": {}}, "resourceSchemas": {"demo": {"version": "1", "block": {"attributes": [
	{"name": "name", "type": "InN0cmluZyI=", "required": true}, {"name": "id", "type": "InN0cmluZyI=", "computed": true}]}}}}`

// builtInProtocol is version 6 of Terraform's protocol.
func builtInProtocol() schema.Source { return schema.BuiltIn("tfplugin6") }

// newerProtocol is a minor version that is still to come: a schema has a field
// more, and so has a request of one.
func newerProtocol() (schema.Source, error) {
	file, err := builtInProtocol().FindFileByPath("tfplugin6.proto")
	if err != nil {
		return nil, err
	}
	newer := protodesc.ToFileDescriptorProto(file)
	for _, message := range newer.GetMessageType() {
		if message.GetName() != "GetProviderSchema" {
			continue
		}
		for _, nested := range message.GetNestedType() {
			nested.Field = append(nested.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String("novelty"), JsonName: proto.String("novelty"), Number: proto.Int32(4242),
				Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			})
		}
	}
	set := &descriptorpb.FileDescriptorSet{}
	for i := range file.Imports().Len() {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file.Imports().Get(i)))
	}
	set.File = append(set.File, newer)
	files, err := protodesc.NewFiles(set)
	return schema.Set{Files: files}, err
}

// registerProvider serves a Terraform provider that plans what was proposed, and
// says "news" and what it was asked where there is room for it.
func registerProvider(r grpc.ServiceRegistrar, protocol schema.Source) error {
	service, err := schema.Service([]schema.Source{protocol}, "tfplugin6.Provider")
	if err != nil {
		return err
	}
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: string(service.FullName()),
		Methods: []grpc.MethodDesc{
			answering(service.Methods().ByName("GetProviderSchema"), func(request, reply *dynamicpb.Message) error {
				if err := protojson.Unmarshal([]byte(providerSchema), reply); err != nil {
					return err
				}
				if novelty := reply.Descriptor().Fields().ByName("novelty"); novelty != nil {
					asked := request.Get(request.Descriptor().Fields().ByName("novelty")).String()
					reply.Set(novelty, protoreflect.ValueOfString("news"+asked))
				}
				return nil
			}),
			answering(service.Methods().ByName("PlanResourceChange"), func(request, reply *dynamicpb.Message) error {
				proposed := request.Descriptor().Fields().ByName("proposed_new_state")
				planned := reply.Descriptor().Fields().ByName("planned_state")
				if request.Has(proposed) {
					reply.Set(planned, request.Get(proposed))
				}
				return nil
			}),
		},
	}, nil)
	return nil
}

// answering is a method that is known by its descriptor only.
func answering(method protoreflect.MethodDescriptor, fill func(request, reply *dynamicpb.Message) error) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: string(method.Name()),
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			request, reply := dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output())
			if err := decode(request); err != nil {
				return nil, err
			}
			return reply, fill(request, reply)
		},
	}
}
