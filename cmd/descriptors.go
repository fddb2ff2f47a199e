package cmd

import (
	"fmt"
	"strings"

	"github.com/pyvider/rpcplugin/internal/descriptors"
)

// descriptorHint is the advice about files that are no descriptor set.
const descriptorHint = "write it with protoc --include_imports --descriptor_set_out=FILE, or name a built-in one: see rpcplugin descriptors list"

// descriptorsCommand writes what code generators need.
type descriptorsCommand struct {
	Export exportCommand   `cmd:"" help:"Write a descriptor set to stdout."`
	List   listSetsCommand `cmd:"" help:"List the built-in descriptor sets."`
}

// Help is the long help.
func (descriptorsCommand) Help() string {
	return `Python code for a provider, for example:

  rpcplugin descriptors export tfplugin6 > tfplugin6.binpb
  python -m grpc_tools.protoc --descriptor_set_in=tfplugin6.binpb \
    --python_out=. --grpc_python_out=. tfplugin6.proto`
}

// exportCommand writes one set.
type exportCommand struct {
	Name string `arg:"" help:"Name of the set, such as tfplugin6."`
}

// Run writes the set.
func (c exportCommand) Run(p *Program) error {
	data, found := descriptors.Bytes(c.Name)
	if !found {
		return usagef("see rpcplugin descriptors list; any other set is written by protoc --descriptor_set_out",
			"no descriptor set %q is built in, expected one of %s", c.Name, strings.Join(descriptors.Names(), ", "))
	}
	if isTerminal(p.Stdout) {
		return usagef("send it to a file: rpcplugin descriptors export "+c.Name+" > "+c.Name+".binpb", "a descriptor set is no text for a terminal")
	}
	_, err := p.Stdout.Write(data)
	return err
}

// listSetsCommand lists the sets.
type listSetsCommand struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Run prints the names.
func (c listSetsCommand) Run(p *Program) error {
	if c.Output == "json" {
		return writeJSON(p.Stdout, descriptors.Names())
	}
	for _, name := range descriptors.Names() {
		fmt.Fprintln(p.Stdout, name)
	}
	return nil
}
