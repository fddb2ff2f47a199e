//go:build e2e && linux

package e2e

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// messages are those of the counter, made at run time: go-plugin's two examples
// both call their package proto, and no program can hold both.
type messages struct {
	protoreflect.MessageDescriptors
}

func counterMessages(t testing.TB) messages {
	t.Helper()
	text, number, id := descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT64, descriptorpb.FieldDescriptorProto_TYPE_UINT32
	type field struct {
		name string
		kind descriptorpb.FieldDescriptorProto_Type
	}
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("counter.proto"), Package: proto.String("proto"), Syntax: proto.String("proto3")}
	for name, fields := range map[string][]field{
		"GetRequest": {{"key", text}}, "GetResponse": {{"value", number}},
		"PutRequest": {{"add_server", id}, {"key", text}, {"value", number}}, "Empty": nil,
		"SumRequest": {{"a", number}, {"b", number}}, "SumResponse": {{"r", number}},
	} {
		described := &descriptorpb.DescriptorProto{Name: proto.String(name)}
		for i, f := range fields {
			described.Field = append(described.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String(f.name), Number: proto.Int32(int32(i + 1)), Type: f.kind.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			})
		}
		file.MessageType = append(file.MessageType, described)
	}
	made, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return messages{made.Messages()}
}

// make returns an empty message.
func (m messages) make(name protoreflect.Name) *message {
	return &message{dynamicpb.NewMessage(m.ByName(name))}
}

// message is one of these messages.
type message struct{ *dynamicpb.Message }

func (m *message) descriptor(name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(name)
}

func (m *message) field(name protoreflect.Name) protoreflect.Value { return m.Get(m.descriptor(name)) }
func (m *message) int(name protoreflect.Name) int64                { return m.field(name).Int() }
func (m *message) text(name protoreflect.Name) string              { return m.field(name).String() }

// set sets a field and returns the message.
func (m *message) set(name protoreflect.Name, value any) *message {
	m.Set(m.descriptor(name), protoreflect.ValueOf(value))
	return m
}

// method is one of a service.
type method struct {
	name    string
	request protoreflect.Name
	answer  func(context.Context, *message) (*message, error)
}

// service describes a service of the package proto.
func (m messages) service(name string, methods ...method) *grpc.ServiceDesc {
	service := &grpc.ServiceDesc{ServiceName: "proto." + name}
	for _, method := range methods {
		service.Methods = append(service.Methods, grpc.MethodDesc{
			MethodName: method.name,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				request := m.make(method.request)
				if err := decode(request); err != nil {
					return nil, err
				}
				return method.answer(ctx, request)
			},
		})
	}
	return service
}
