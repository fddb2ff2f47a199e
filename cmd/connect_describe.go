package cmd

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// describeCommand shows symbols as source.
type describeCommand struct {
	Symbol         string `arg:"" optional:"" help:"Service, method, message, enum or field; default: all services."`
	Template       bool   `help:"Show the request of a method, or a message, as JSON to fill in."`
	ExportProtoset string `placeholder:"FILE" help:"Write a descriptor set of what is described, with all that it uses, instead."`
	ExportProto    string `placeholder:"DIR" help:"Write .proto files of it into a directory, instead."`
}

// symbolInfo is the JSON form of a symbol.
type symbolInfo struct {
	Name   string          `json:"name"`
	Kind   string          `json:"kind"`
	File   string          `json:"file"`
	Source string          `json:"source"`
	JSON   json.RawMessage `json:"template,omitempty"`
}

// Run starts the plugin and prints, or writes files.
func (d *describeCommand) Run(ctx context.Context, p *Program, g globals, c *connectFlags, command pluginCommand) error {
	return c.within(ctx, p, g, command, needs{program: true, sources: true}, func(_ context.Context, s *session) error {
		return d.show(p, s, c.Output)
	})
}

func (d *describeCommand) show(p *Program, s *session, output string) error {
	symbols, err := s.symbols(d.Symbol)
	if err != nil {
		return err
	}
	if d.Symbol == "" {
		s.noteSilence(p)
	}
	if d.ExportProtoset != "" || d.ExportProto != "" {
		return d.export(p, symbols)
	}
	infos := make([]symbolInfo, len(symbols))
	for i, symbol := range symbols {
		if infos[i], err = describe(symbol); err != nil {
			return err
		}
		if d.Template && infos[i].JSON == nil {
			return usagef("name a method, or a message: connect describe SYMBOL --template", "%s is a %s, expected a method or a message", symbol.FullName(), infos[i].Kind)
		}
	}
	if output == "json" {
		return writeJSON(p.Stdout, infos)
	}
	for i, info := range infos {
		text := info.Source
		if d.Template {
			text = string(info.JSON) + "\n"
		} else if i > 0 {
			text = "\n" + text
		}
		if _, err := fmt.Fprint(p.Stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// symbols returns the one of that name, or all services.
func (s *session) symbols(name string) ([]protoreflect.Descriptor, error) {
	if name != "" {
		found, err := s.sources.Find(name)
		if err != nil {
			return nil, s.unknown(err)
		}
		return []protoreflect.Descriptor{found}, nil
	}
	var symbols []protoreflect.Descriptor
	for _, name := range s.serviceNames() {
		service, err := schema.Service(s.sources, name)
		if err != nil { // it is listed, and nobody knows what it looks like
			continue
		}
		symbols = append(symbols, service)
	}
	return symbols, nil
}

// describe makes the forms of one symbol.
func describe(symbol protoreflect.Descriptor) (symbolInfo, error) {
	text, err := schema.Text(symbol)
	if err != nil {
		return symbolInfo{}, err
	}
	info := symbolInfo{
		Name: string(symbol.FullName()), Kind: schema.Kind(symbol), File: symbol.ParentFile().Path(), Source: text,
	}
	switch symbol := symbol.(type) {
	case protoreflect.MethodDescriptor:
		info.JSON = schema.Template(symbol.Input())
	case protoreflect.MessageDescriptor:
		info.JSON = schema.Template(symbol)
	}
	return info, nil
}

// export writes files of symbols, and says which on stderr.
func (d *describeCommand) export(p *Program, symbols []protoreflect.Descriptor) error {
	files := make([]protoreflect.FileDescriptor, len(symbols))
	for i, symbol := range symbols {
		files[i] = symbol.ParentFile()
	}
	if d.ExportProtoset != "" {
		if err := schema.WriteSet(d.ExportProtoset, files); err != nil {
			return &usageError{err: err, hint: "--export-protoset FILE names a file that can be written"}
		}
		fmt.Fprintln(p.Stderr, "wrote", d.ExportProtoset)
	}
	if d.ExportProto == "" {
		return nil
	}
	written, err := schema.WriteFiles(d.ExportProto, files)
	for _, path := range written {
		fmt.Fprintln(p.Stderr, "wrote", path)
	}
	if err != nil {
		return &usageError{err: err, hint: "--export-proto DIR names a directory that can be written"}
	}
	return nil
}
