package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/descriptors"
	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/internal/typo"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// sourceFlags say what services look like that the plugin does not tell of.
type sourceFlags struct {
	Proto         []string `placeholder:"FILE" help:"What the services look like: a .proto file; no protoc is needed."`
	ImportPath    []string `placeholder:"DIR" help:"Where --proto and its imports are; default: the working directory."`
	DescriptorSet []string `aliases:"protoset" placeholder:"FILE" help:"The same as a descriptor set, or the built-in tfplugin5 or tfplugin6; also --protoset."`
}

// named loads the sources that were named: .proto files, then descriptor sets.
func (f *sourceFlags) named(ctx context.Context) (schema.Sources, error) {
	var sources schema.Sources
	switch {
	case len(f.Proto) > 0:
		set, err := schema.Compile(ctx, f.ImportPath, f.Proto)
		if err != nil {
			return nil, &usageError{err: err, hint: "--import-path DIR says where a file and its imports are"}
		}
		sources = append(sources, set)
	case len(f.ImportPath) > 0:
		return nil, usagef("name the file with --proto", "--import-path is %q, expected --proto with it", f.ImportPath[0])
	}
	for _, name := range f.DescriptorSet {
		set, err := schema.Load(name)
		if err != nil {
			return nil, &usageError{err: err, hint: descriptorHint}
		}
		sources = append(sources, set)
	}
	return sources, nil
}

// learn adds the plugin's reflection, and the built-in sets after it. Where the
// method that is to be called is one of Terraform's, which are built in, the plugin
// is not asked before it has to be, see consult.
func (s *session) learn(ctx context.Context, method string) error {
	own, err := services.Descriptors()
	if err != nil {
		return err
	}
	builtIn := schema.Sources{schema.Set{Files: own}}
	for _, name := range descriptors.Names() {
		builtIn = append(builtIn, schema.BuiltIn(name))
	}
	named := s.sources
	s.consult = func() error {
		s.consult = nil
		reflection, err := schema.Reflect(ctx, s.Conn())
		switch {
		case err == nil:
			s.reflection = reflection
			s.sources = slices.Concat(named, schema.Sources{reflection}, builtIn)
		case status.Code(err) != codes.Unimplemented:
			return &callError{method: "reflection", status: status.Convert(err)}
		}
		return nil
	}
	s.sources = slices.Concat(named, builtIn)
	if cut := strings.LastIndexAny(method, "./"); cut >= 0 && isTerraform(strings.TrimPrefix(method[:cut], "/")) {
		if _, err := schema.Method(builtIn, method); err == nil {
			return nil
		}
	}
	return s.consult()
}

// serviceNames lists what the plugin says that it serves; without reflection,
// what the named sets say.
func (s *session) serviceNames() []string {
	if s.reflection != nil {
		return s.reflection.ServiceNames()
	}
	var names []string
	for _, source := range s.sources {
		names = append(names, source.ServiceNames()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// noteSilence says on stderr that a plugin tells of no service of its own, so
// that nobody takes the list for all that there is.
func (s *session) noteSilence(p *Program) {
	for _, name := range s.serviceNames() {
		if !ofProtocol(name) {
			return
		}
	}
	fmt.Fprintln(p.Stderr, "note: the plugin tells of no service of its own; --descriptor-set FILE says what it serves")
}

// ofProtocol reports whether a service is one that every plugin has.
func ofProtocol(name string) bool {
	return strings.HasPrefix(name, "grpc.") || strings.HasPrefix(name, "plugin.GRPC")
}

// unknown is the usage error for a name that no source knows, with the nearest
// one that there is.
func (s *session) unknown(err error) error {
	hint := "\"connect list\" shows services, \"connect list SERVICE\" methods; --proto and --descriptor-set add what the plugin does not tell"
	missing, ok := errors.AsType[*schema.UnknownError](err)
	if !ok || missing.Err != nil {
		return &usageError{err: err, hint: hint}
	}
	name, known := missing.Name, s.serviceNames()
	if missing.Kind == "service" && slices.Contains(known, name) {
		return &usageError{
			err:  fmt.Errorf("service %q is listed by the plugin, which does not say what it looks like", name),
			hint: "give its .proto file with --proto, or its descriptor set with --descriptor-set",
		}
	}
	if missing.Service != "" {
		known = missing.Known
	} else if missing.Kind == "symbol" {
		known = append(known, s.methodNames(strings.ContainsRune(missing.Name, '/'))...)
	}
	if near := nearNames(name, known); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "? " + hint
	}
	return &usageError{err: err, hint: hint}
}

// nearNames are the names, at most three and nearest first, that may have been
// meant.
func nearNames(name string, known []string) []string {
	name = strings.ToLower(name)
	farthest := 1 + len(name)/3
	distance := func(other string) int {
		other = strings.ToLower(other)
		if strings.HasSuffix(other, "."+name) || len(name) > 2 && len(other) > 2 && (strings.Contains(other, name) || strings.Contains(name, other)) {
			return min(typo.Edits(name, other), farthest) // a part of it is near enough
		}
		return typo.Edits(name, other)
	}
	known = slices.Clone(known)
	known = slices.DeleteFunc(known, func(other string) bool { return distance(other) > farthest })
	slices.SortStableFunc(known, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	for i := range known {
		known[i] = fmt.Sprintf("%q", known[i])
	}
	return known[:min(3, len(known))]
}

// methodNames lists the methods of all services, those that every plugin has
// last.
func (s *session) methodNames(slash bool) []string {
	names := slices.Clone(s.serviceNames())
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case ofProtocol(a) == ofProtocol(b):
			return 0
		case ofProtocol(b):
			return -1
		default:
			return 1
		}
	})
	separator := "."
	if slash {
		separator = "/"
	}
	var methods []string
	for _, name := range names {
		service, err := schema.Service(s.sources, name)
		if err != nil {
			continue
		}
		for i := range service.Methods().Len() {
			methods = append(methods, name+separator+string(service.Methods().Get(i).Name()))
		}
	}
	return methods
}
