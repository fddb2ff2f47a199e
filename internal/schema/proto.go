package schema

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Compile reads .proto files, with what they import, without protoc. A file is
// named from one of importPaths on, or from the working directory; without
// importPaths, imports are looked for in the working directory. What every
// protoc brings along, google/protobuf/…, need not be there. An error of a file
// begins with its path, line and column.
func Compile(ctx context.Context, importPaths, files []string) (Set, error) {
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = withinPath(file, importPaths)
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: importPaths}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, names...)
	if err != nil {
		return Set{}, fmt.Errorf("proto file: %w", err)
	}
	roots := make([]protoreflect.FileDescriptor, len(compiled))
	for i, file := range compiled {
		roots[i] = file
	}
	set := Set{new(protoregistry.Files)}
	for _, file := range WithImports(roots) {
		if err := set.RegisterFile(file); err != nil {
			return Set{}, fmt.Errorf("proto file %q: %w", file.Path(), err)
		}
	}
	return set, nil
}

// withinPath names a file from one of the import paths on.
func withinPath(file string, importPaths []string) string {
	for _, dir := range importPaths {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return filepath.ToSlash(file)
		}
	}
	for _, dir := range importPaths {
		inside, err := filepath.Rel(dir, file)
		if err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
			return filepath.ToSlash(inside)
		}
	}
	return file
}
