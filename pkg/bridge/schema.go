package bridge

import (
	"context"
	"time"

	"github.com/jhump/protoreflect/v2/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// schemaWait bounds a question to the child's reflection, its start included.
const schemaWait = 5 * time.Second

// childSchema is what the child's own reflection tells, v1 or v1alpha. A child
// without reflection has nothing to tell.
type childSchema struct{ child *child }

// ServiceNames lists the child's services.
func (s *childSchema) ServiceNames() []string {
	names, err := ask(s, func(client *grpcreflect.Client) ([]protoreflect.FullName, error) { return client.ListServices() })
	if err != nil {
		return nil
	}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	return list
}

// FindFileByPath finds a file that the child's reflection knows.
func (s *childSchema) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return ask(s, func(client *grpcreflect.Client) (protoreflect.FileDescriptor, error) {
		return client.FileByFilename(path)
	})
}

// FindDescriptorByName finds a symbol that the child's reflection knows.
func (s *childSchema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return ask(s, func(client *grpcreflect.Client) (protoreflect.Descriptor, error) {
		return client.AsResolver().FindDescriptorByName(name)
	})
}

// ask puts one question to the child's reflection. Every failure means that
// the child does not know.
func ask[T any](s *childSchema, question func(*grpcreflect.Client) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(s.child.open, schemaWait)
	defer cancel()
	var none T
	conn, err := s.child.connection(ctx)
	if err != nil {
		return none, protoregistry.NotFound
	}
	client := grpcreflect.NewClientAuto(ctx, conn)
	defer client.Reset()
	answer, err := question(client)
	if err != nil {
		return none, protoregistry.NotFound
	}
	return answer, nil
}
