package schema

import (
	"errors"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Sources asks several sources in turn. It resolves the types that are in an
// Any as well, so that protojson can be given it; what no source knows is
// looked up among those that are linked in.
type Sources []Source

// Find finds a symbol of any kind. The name of a method may have a slash before
// its last part. The error is ErrUnknown, or that of a source that could not be
// asked.
func (s Sources) Find(name string) (protoreflect.Descriptor, error) {
	dotted := strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", ".")
	if !protoreflect.FullName(dotted).IsValid() {
		return nil, &UnknownError{Kind: "symbol", Name: name}
	}
	var cause error
	for _, source := range s {
		found, err := source.FindDescriptorByName(protoreflect.FullName(dotted))
		if err == nil {
			return found, nil
		}
		if !errors.Is(err, protoregistry.NotFound) {
			cause = err
		}
	}
	// Not every server finds a method by its name.
	if cut := strings.LastIndexByte(dotted, '.'); cut > 0 {
		if service, err := Service(s, dotted[:cut]); err == nil {
			if method := service.Methods().ByName(protoreflect.Name(dotted[cut+1:])); method != nil {
				return method, nil
			}
		}
	}
	return nil, &UnknownError{Kind: "symbol", Name: name, Err: cause}
}

// FindMessageByName finds the type of a message.
func (s Sources) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	for _, source := range s {
		found, _ := source.FindDescriptorByName(name)
		if message, ok := found.(protoreflect.MessageDescriptor); ok {
			return dynamicpb.NewMessageType(message), nil
		}
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindMessageByURL finds the type of a message in an Any.
func (s Sources) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return s.FindMessageByName(protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:]))
}

// FindExtensionByName finds an extension.
func (s Sources) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	for _, source := range s {
		found, _ := source.FindDescriptorByName(name)
		if extension, ok := found.(protoreflect.ExtensionDescriptor); ok && extension.IsExtension() {
			return dynamicpb.NewExtensionType(extension), nil
		}
	}
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

// FindExtensionByNumber finds those extensions only that are linked in: sources
// know names.
func (Sources) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
}

// builtIn is a built-in set that is parsed when it is first asked.
type builtIn struct{ load func() Set }

// BuiltIn returns a built-in set as a source that costs nothing before it is
// asked; one of another name is empty.
func BuiltIn(name string) Source {
	return builtIn{load: sync.OnceValue(func() Set {
		set, err := Load(name)
		if err != nil {
			return Set{new(protoregistry.Files)}
		}
		return set
	})}
}

func (b builtIn) ServiceNames() []string { return b.load().ServiceNames() }

func (b builtIn) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return b.load().FindFileByPath(path)
}

func (b builtIn) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return b.load().FindDescriptorByName(name)
}
