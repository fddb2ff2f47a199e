package cmd

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// target is what is called, and with what.
type target struct {
	name     string
	method   protoreflect.MethodDescriptor
	codec    codec
	requests func() (proto.Message, error)
}

// prepare finds a method and reads its requests. What the built-in sets do not
// take, a provider may that was made for a later minor version of its protocol:
// then its reflection is asked after all.
func (c *caller) prepare(ctx context.Context, s *session, name string, source *dataSource) (*target, error) {
	found, err := c.target(ctx, s, name)
	if err == nil {
		found.requests, err = source.requests(found.method, found.codec)
	}
	if err == nil || s.consult == nil {
		return found, err
	}
	if err := s.consult(); err != nil {
		return nil, err
	}
	return c.prepare(ctx, s, name, source)
}

func (c *caller) target(ctx context.Context, s *session, name string) (*target, error) {
	method, err := schema.Method(s.sources, name)
	if err != nil {
		return nil, s.unknown(err)
	}
	codec, err := c.choose(ctx, s, method)
	return &target{name: name, method: method, codec: codec}, err
}

// renewed is a response by what the plugin's reflection says of it, if it has
// fields that the built-in sets do not know.
func (c *caller) renewed(ctx context.Context, s *session, t *target, response proto.Message) (proto.Message, error) {
	if s.consult == nil || !hasUnknown(response.ProtoReflect()) {
		return response, nil
	}
	if err := s.consult(); err != nil {
		return nil, err
	}
	found, err := c.target(ctx, s, t.name)
	if err != nil {
		return nil, err
	}
	wire, err := proto.Marshal(response)
	if err != nil {
		return nil, err
	}
	t.codec = found.codec
	newer := dynamicpb.NewMessage(found.method.Output())
	return newer, proto.Unmarshal(wire, newer)
}

// hasUnknown reports whether a message, or one within it, has fields that its
// descriptor does not.
func hasUnknown(message protoreflect.Message) bool {
	found := len(message.GetUnknown()) > 0
	look := func(value protoreflect.Value) bool {
		found = found || hasUnknown(value.Message())
		return !found
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case found:
		case field.IsMap() && field.MapValue().Message() != nil:
			value.Map().Range(func(_ protoreflect.MapKey, each protoreflect.Value) bool { return look(each) })
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				if !look(value.List().Get(i)) {
					break
				}
			}
		case !field.IsMap() && !field.IsList() && field.Message() != nil:
			look(value)
		}
		return !found
	})
	return found
}
