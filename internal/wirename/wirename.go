// Package wirename gives generated services the names that they have on the
// wire.
//
// go-plugin registers the protobuf packages plugin and proto globally. A
// binary that linked a second registration of those names would panic at
// start, so the files under proto/ are generated in packages of our own
// (rpcplugin.plugin, rpcplugin.kv). gRPC never sends the name of a message,
// only that of a service and a method, so renaming services is enough to be
// equal on the wire; descriptors are renamed whole, for reflection.
package wirename

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Rename maps one protobuf package to another.
type Rename struct {
	// From is the package that the generated code has.
	From string
	// To is the package that peers expect.
	To string
}

// ServiceDesc returns desc under its name on the wire. desc stays as it is.
func (r Rename) ServiceDesc(desc grpc.ServiceDesc) *grpc.ServiceDesc {
	desc.ServiceName = r.name(desc.ServiceName)
	return &desc
}

// Conn returns a connection on which generated stubs call the services under
// their names on the wire.
func (r Rename) Conn(cc grpc.ClientConnInterface) grpc.ClientConnInterface {
	return renamedConn{rename: r, conn: cc}
}

// File returns the descriptor of file, and of all that it defines, under the
// package on the wire. The result is registered nowhere. Imports of file must
// be in the global registry and outside the renamed package.
func (r Rename) File(file protoreflect.FileDescriptor) (protoreflect.FileDescriptor, error) {
	fdp := proto.Clone(protodesc.ToFileDescriptorProto(file)).(*descriptorpb.FileDescriptorProto)
	fdp.Package = proto.String(r.To)
	for _, message := range fdp.GetMessageType() {
		r.message(message)
	}
	for _, service := range fdp.GetService() {
		for _, method := range service.GetMethod() {
			method.InputType = r.reference(method.InputType)
			method.OutputType = r.reference(method.OutputType)
		}
	}
	renamed, err := protodesc.NewFile(fdp, protoregistry.GlobalFiles)
	if err != nil {
		return nil, fmt.Errorf("rename %q from %q to %q: %w", file.Path(), r.From, r.To, err)
	}
	return renamed, nil
}

func (r Rename) message(message *descriptorpb.DescriptorProto) {
	for _, field := range message.GetField() {
		field.TypeName = r.reference(field.TypeName)
	}
	for _, nested := range message.GetNestedType() {
		r.message(nested)
	}
}

// reference renames a fully qualified type name, which starts with a dot.
func (r Rename) reference(name *string) *string {
	if name == nil {
		return nil
	}
	if rest, found := strings.CutPrefix(*name, "."+r.From+"."); found {
		return proto.String("." + r.To + "." + rest)
	}
	return name
}

func (r Rename) name(full string) string {
	if rest, found := strings.CutPrefix(full, r.From+"."); found {
		return r.To + "." + rest
	}
	return full
}

type renamedConn struct {
	rename Rename
	conn   grpc.ClientConnInterface
}

func (c renamedConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.conn.Invoke(ctx, c.method(method), args, reply, opts...)
}

func (c renamedConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.conn.NewStream(ctx, desc, c.method(method), opts...)
}

func (c renamedConn) method(path string) string {
	return "/" + c.rename.name(strings.TrimPrefix(path, "/"))
}
