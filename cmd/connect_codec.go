package cmd

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/jsondoc"
	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// codec stands between JSON documents and the messages of one method.
type codec interface {
	// decode reads a document into a request. What the caller got wrong is a
	// *jsondoc.Error.
	decode(document jsondoc.Document, request protoreflect.MessageDescriptor) (proto.Message, error)
	// encode writes a response as JSON; request is what was asked last.
	encode(response, request proto.Message) ([]byte, error)
}

// codec chooses that of a method: values of Terraform's protocols are shown by
// the provider's schema, which is fetched before the first call that needs it.
func (f *callFlags) codec(ctx context.Context, s *session, method protoreflect.MethodDescriptor) (codec, error) {
	dynamicValues := dynamic.Has(method.Input()) || dynamic.Has(method.Output())
	if f.Raw || !dynamicValues || !isTerraform(string(method.Parent().FullName())) {
		return plainCodec{types: s.sources, defaults: f.EmitDefaults}, nil
	}
	if strings.HasPrefix(string(method.Name()), "Get") { // it tells of the schema itself
		return terraformCodec{defaults: f.EmitDefaults}, nil
	}
	service, err := schema.Service(s.sources, string(method.Parent().FullName()))
	if err != nil {
		return nil, err
	}
	provider, err := s.provider(ctx, service)
	return terraformCodec{provider, f.EmitDefaults}, err
}

// isTerraform reports whether a service is a provider of Terraform.
func isTerraform(service string) bool {
	return service == "tfplugin5.Provider" || service == "tfplugin6.Provider"
}

// plainCodec is the JSON of protobuf.
type plainCodec struct {
	types    schema.Sources
	defaults bool
}

func (c plainCodec) decode(document jsondoc.Document, request protoreflect.MessageDescriptor) (proto.Message, error) {
	message := dynamicpb.NewMessage(request)
	return message, jsondoc.Decode(document, message, c.types)
}

func (c plainCodec) encode(response, _ proto.Message) ([]byte, error) {
	return protojson.MarshalOptions{Resolver: c.types, EmitDefaultValues: c.defaults}.Marshal(response)
}

// terraformCodec is that of pkg/dynamic.
type terraformCodec struct {
	provider *dynamic.Provider
	defaults bool
}

func (c terraformCodec) decode(document jsondoc.Document, request protoreflect.MessageDescriptor) (proto.Message, error) {
	message, err := c.provider.EncodeMessage(request, document.Data, nil)
	if err == nil {
		return message, nil
	}
	wrong, ok := errors.AsType[*dynamic.Error](err)
	if ok && wrong.Reason == dynamic.ReasonMessage { // protobuf's own mistakes are found to the column
		if plain := jsondoc.Decode(document, dynamicpb.NewMessage(request), schema.Sources(nil)); plain != nil && wrong.Path == "" {
			return nil, plain
		}
	}
	return nil, document.Wrong(err)
}

func (c terraformCodec) encode(response, request proto.Message) ([]byte, error) {
	var asked protoreflect.Message
	if request != nil {
		asked = request.ProtoReflect()
	}
	return c.provider.DecodeMessageWith(response.ProtoReflect(), asked, protojson.MarshalOptions{EmitDefaultValues: c.defaults})
}
