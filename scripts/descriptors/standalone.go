package main

import (
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// standalone returns file and all that it imports, imports first, as protoc's
// --include_imports orders them. The file is renamed to name; nothing imports
// it, so that no other reference needs to change. Its go_package, a folder
// inside terraform-plugin-go, would mislead generators and is taken out.
func standalone(file protoreflect.FileDescriptor, name string) *descriptorpb.FileDescriptorSet {
	set := &descriptorpb.FileDescriptorSet{}
	appendImports(set, file, map[string]bool{})

	own := protodesc.ToFileDescriptorProto(file)
	own.Name = &name
	if own.Options != nil {
		own.Options.GoPackage = nil
	}
	set.File = append(set.File, own)
	return set
}

// appendImports adds what file imports, directly or not, each file once.
func appendImports(set *descriptorpb.FileDescriptorSet, file protoreflect.FileDescriptor, seen map[string]bool) {
	imports := file.Imports()
	for i := range imports.Len() {
		imported := imports.Get(i).FileDescriptor
		if seen[imported.Path()] {
			continue
		}
		seen[imported.Path()] = true
		appendImports(set, imported, seen)
		set.File = append(set.File, protodesc.ToFileDescriptorProto(imported))
	}
}
