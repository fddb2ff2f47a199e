package testscript_test

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// providerSchema is the schema of registerProvider: a resource "demo" with a
// required name and a computed id.
const providerSchema = `{"provider": {"block": {}}, "resourceSchemas": {"demo": {"version": "1", "block": {"attributes": [
	{"name": "name", "type": "InN0cmluZyI=", "required": true}, {"name": "id", "type": "InN0cmluZyI=", "computed": true}]}}}}`

// registerProvider serves a Terraform provider that plans what was proposed.
func registerProvider(r grpc.ServiceRegistrar) error {
	service, err := schema.Service([]schema.Source{schema.BuiltIn("tfplugin6")}, "tfplugin6.Provider")
	if err != nil {
		return err
	}
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: string(service.FullName()),
		Methods: []grpc.MethodDesc{
			answering(service.Methods().ByName("GetProviderSchema"), func(_, reply *dynamicpb.Message) error {
				return protojson.Unmarshal([]byte(providerSchema), reply)
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
