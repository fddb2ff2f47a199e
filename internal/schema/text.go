package schema

import (
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Text describes a symbol as .proto source, after a line that says what it is.
// A method comes with its request and its response.
func Text(symbol protoreflect.Descriptor) (string, error) {
	printer := &protoprint.Printer{Compact: true}
	var b strings.Builder
	for i, part := range parts(symbol) {
		text, err := printer.PrintProtoToString(part)
		if err != nil {
			return "", fmt.Errorf("symbol %q: %w", part.FullName(), err)
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "// %s %s\n%s\n", Kind(part), part.FullName(), tidy(text))
	}
	return b.String(), nil
}

// parts are the symbols that describe one.
func parts(symbol protoreflect.Descriptor) []protoreflect.Descriptor {
	method, ok := symbol.(protoreflect.MethodDescriptor)
	if !ok {
		return []protoreflect.Descriptor{symbol}
	}
	if method.Input().FullName() == method.Output().FullName() {
		return []protoreflect.Descriptor{method, method.Input()}
	}
	return []protoreflect.Descriptor{method, method.Input(), method.Output()}
}

// tidy takes the spaces out of the brackets of a method.
func tidy(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "rpc ") {
			line = strings.NewReplacer(" ( ", "(", " ) ", ") ", " );", ");").Replace(line)
			lines[i] = strings.Replace(line, "returns(", "returns (", 1)
		}
	}
	return strings.Join(lines, "\n")
}

// Kind says what a symbol is.
func Kind(symbol protoreflect.Descriptor) string {
	switch symbol.(type) {
	case protoreflect.ServiceDescriptor:
		return "service"
	case protoreflect.MethodDescriptor:
		return "method"
	case protoreflect.MessageDescriptor:
		return "message"
	case protoreflect.EnumDescriptor:
		return "enum"
	case protoreflect.FieldDescriptor:
		return "field"
	case protoreflect.FileDescriptor:
		return "file"
	default:
		return "symbol"
	}
}
