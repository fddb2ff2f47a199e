package schema

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// WithImports returns files and all that they import, each once and after its
// imports.
func WithImports(files []protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	var ordered []protoreflect.FileDescriptor
	seen := make(map[string]bool)
	var visit func(protoreflect.FileDescriptor)
	visit = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] || file.IsPlaceholder() {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			visit(file.Imports().Get(i).FileDescriptor)
		}
		ordered = append(ordered, file)
	}
	for _, file := range files {
		visit(file)
	}
	return ordered
}

// WriteSet writes a descriptor set of files, with what they import, that Load
// and protoc --descriptor_set_in read.
func WriteSet(path string, files []protoreflect.FileDescriptor) error {
	set := new(descriptorpb.FileDescriptorSet)
	for _, file := range WithImports(files) {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return fmt.Errorf("descriptor set: %w", err)
	}
	return os.WriteFile(path, data, 0o666) //nolint:gosec // it is for others to read; the umask decides
}

// WriteFiles writes the source of files, with what they import, into a
// directory, and returns the paths. What every protoc brings along is left out.
// Comments are there only if the source knew them.
func WriteFiles(dir string, files []protoreflect.FileDescriptor) ([]string, error) {
	var written []string
	printer := new(protoprint.Printer)
	for _, file := range WithImports(files) {
		if file.Package() == "google.protobuf" {
			continue
		}
		if !filepath.IsLocal(file.Path()) { // a server may say anything
			return written, fmt.Errorf("proto file is %q, expected a path within a directory", file.Path())
		}
		path := filepath.Join(dir, filepath.FromSlash(file.Path()))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil { //nolint:gosec // the umask decides
			return written, err
		}
		text, err := printer.PrintProtoToString(file)
		if err != nil {
			return written, fmt.Errorf("proto file %q: %w", file.Path(), err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil { //nolint:gosec // the umask decides
			return written, err
		}
		written = append(written, path)
	}
	return written, nil
}
