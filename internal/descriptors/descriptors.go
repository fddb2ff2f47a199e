// Package descriptors holds the protobuf descriptors of protocols that plugins
// speak, for callers that have neither the .proto files nor reflection: a
// Terraform provider in Go answers no reflection request for its own service,
// and the author of one in Python needs something to generate code from.
//
// Nothing is registered globally and nothing is parsed before it is asked for,
// so that the package costs a start-up nothing and links beside any generated
// code for the same protocols.
//
// The descriptor sets are derived from the .proto files of HashiCorp's
// terraform-plugin-go, which are under the Mozilla Public License 2.0; the
// generator in scripts/descriptors names the release.
package descriptors

//go:generate go -C ../../scripts/descriptors run . -out ../../internal/descriptors

import (
	_ "embed" // for the descriptor sets

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Strings, not byte slices: they live in read-only memory and cannot be changed.
var (
	//go:embed tfplugin5.binpb
	tfplugin5 string
	//go:embed tfplugin6.binpb
	tfplugin6 string
)

// Names returns the names of all sets, sorted. A name is the protobuf package
// of its protocol, such as "tfplugin6".
func Names() []string {
	return []string{"tfplugin5", "tfplugin6"}
}

// Bytes returns the serialized google.protobuf.FileDescriptorSet of that name,
// as a copy that the caller owns. It holds the protocol's own file, NAME.proto,
// last and everything that it imports before it: what protoc reads with
// --descriptor_set_in. The result is false when there is no such set.
func Bytes(name string) ([]byte, bool) {
	set, ok := embedded(name)
	if !ok {
		return nil, false
	}
	return []byte(set), true
}

// Files parses the set of that name into a registry of its own; each call makes
// a new one. The error is an *Error: ReasonUnknown when there is no such set.
func Files(name string) (*protoregistry.Files, error) {
	data, ok := Bytes(name)
	if !ok {
		return nil, &Error{Reason: ReasonUnknown, Name: name}
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil {
		return nil, &Error{Reason: ReasonDamaged, Name: name, Err: err}
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, &Error{Reason: ReasonDamaged, Name: name, Err: err}
	}
	return files, nil
}

// embedded returns the set of that name without copying it.
func embedded(name string) (string, bool) {
	switch name {
	case "tfplugin5":
		return tfplugin5, true
	case "tfplugin6":
		return tfplugin6, true
	default:
		return "", false
	}
}
