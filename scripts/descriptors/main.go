// Command descriptors writes the protobuf descriptor sets of Terraform's plugin
// protocols, tfplugin5.binpb and tfplugin6.binpb, into a folder.
//
// It is a module of its own so that terraform-plugin-go, from which the
// descriptors come, is no dependency of rpcplugin. For the same input versions
// (see go.mod) the output is the same byte for byte.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	// Both packages register their protocol's file in the global registry.
	_ "github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	_ "github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func main() {
	out := flag.String("out", ".", "folder to write the descriptor sets to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "descriptors:", err)
		os.Exit(1)
	}
}

// run writes one NAME.binpb into dir for each protobuf package.
func run(dir string) error {
	for _, name := range []string{"tfplugin5", "tfplugin6"} {
		file, err := registeredFile(protoreflect.FullName(name + ".Provider"))
		if err != nil {
			return err
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(standalone(file, name+".proto"))
		if err != nil {
			return fmt.Errorf("encode %q: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".binpb"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// registeredFile finds the file which defines a service that is linked in.
func registeredFile(service protoreflect.FullName) (protoreflect.FileDescriptor, error) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(service)
	if errors.Is(err, protoregistry.NotFound) {
		return nil, fmt.Errorf("service %q is not in terraform-plugin-go any more", service)
	}
	if err != nil {
		return nil, fmt.Errorf("find service %q: %w", service, err)
	}
	return found.ParentFile(), nil
}
