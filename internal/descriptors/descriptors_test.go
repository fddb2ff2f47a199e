package descriptors

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestNamesAreSortedAndComplete(t *testing.T) {
	names := Names()
	if want := []string{"tfplugin5", "tfplugin6"}; !slices.Equal(names, want) {
		t.Fatalf("Names() = %q, want %q", names, want)
	}
	names[0] = "changed"
	if got := Names()[0]; got != "tfplugin5" {
		t.Errorf("after a caller changed its slice, Names()[0] = %q", got)
	}
}

func TestBytesIsASetThatStandsAlone(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			data, ok := Bytes(name)
			if !ok {
				t.Fatalf("Bytes(%q) found nothing", name)
			}
			var set descriptorpb.FileDescriptorSet
			if err := proto.Unmarshal(data, &set); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, file := range set.GetFile() {
				for _, imported := range file.GetDependency() {
					if !seen[imported] {
						t.Errorf("%q imports %q, which is not before it", file.GetName(), imported)
					}
				}
				seen[file.GetName()] = true
			}
			own := set.GetFile()[len(set.GetFile())-1]
			if got, want := own.GetName(), name+".proto"; got != want {
				t.Errorf("last file is %q, want %q", got, want)
			}
			if own.GetOptions().GetGoPackage() != "" {
				t.Errorf("go_package is %q, want none", own.GetOptions().GetGoPackage())
			}
		})
	}
}

func TestBytesIsACopy(t *testing.T) {
	first, _ := Bytes("tfplugin6")
	want := slices.Clone(first)
	first[0]++
	if second, _ := Bytes("tfplugin6"); !slices.Equal(second, want) {
		t.Error("a caller's change shows in what the next one gets")
	}
}

func TestFilesDescribesProviderCalls(t *testing.T) {
	tests := []struct{ set, method, input string }{
		{"tfplugin5", "tfplugin5.Provider.GetSchema", "tfplugin5.GetProviderSchema.Request"},
		{"tfplugin5", "tfplugin5.Provisioner.ProvisionResource", "tfplugin5.ProvisionResource.Request"},
		{"tfplugin6", "tfplugin6.Provider.PlanResourceChange", "tfplugin6.PlanResourceChange.Request"},
		{"tfplugin6", "tfplugin6.Provider.GetMetadata", "tfplugin6.GetMetadata.Request"},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			files, err := Files(tt.set)
			if err != nil {
				t.Fatal(err)
			}
			found, err := files.FindDescriptorByName(protoreflect.FullName(tt.method))
			if err != nil {
				t.Fatal(err)
			}
			method, ok := found.(protoreflect.MethodDescriptor)
			if !ok {
				t.Fatalf("%q is a %T, want a method", tt.method, found)
			}
			if got := string(method.Input().FullName()); got != tt.input {
				t.Errorf("input is %q, want %q", got, tt.input)
			}
		})
	}
}

// The wire form of a diagnostic, written out by hand, has to be read as one.
func TestFilesReadsAMessageOffTheWire(t *testing.T) {
	files, err := Files("tfplugin6")
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.FindDescriptorByName("tfplugin6.Diagnostic")
	if err != nil {
		t.Fatal(err)
	}
	message := dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor))
	if err := proto.Unmarshal([]byte("\x08\x01\x12\x04oops"), message); err != nil {
		t.Fatal(err)
	}
	fields := message.Descriptor().Fields()
	if got := message.Get(fields.ByName("severity")).Enum(); got != 1 {
		t.Errorf("severity is %d, want 1", got)
	}
	if got := message.Get(fields.ByName("summary")).String(); got != "oops" {
		t.Errorf("summary is %q, want %q", got, "oops")
	}
}

func TestFilesLeavesTheGlobalRegistryAlone(t *testing.T) {
	for _, name := range Names() {
		if _, err := Files(name); err != nil {
			t.Fatal(err)
		}
		_, err := protoregistry.GlobalFiles.FindFileByPath(name + ".proto")
		if !errors.Is(err, protoregistry.NotFound) {
			t.Errorf("%s.proto in the global registry: %v, want not found", name, err)
		}
	}
}

func TestUnknownName(t *testing.T) {
	for _, name := range []string{"", "tfplugin7", "tfplugin6.Provider", "../descriptors"} {
		if _, ok := Bytes(name); ok {
			t.Errorf("Bytes(%q) found something", name)
		}
		_, err := Files(name)
		var typed *Error
		if !errors.As(err, &typed) || typed.Reason != ReasonUnknown || typed.Name != name {
			t.Fatalf("for %q: error %#v, want *Error with ReasonUnknown", name, err)
		}
		if !strings.Contains(err.Error(), "tfplugin5, tfplugin6") {
			t.Errorf("error %q does not name what there is", err)
		}
		if typed.Hint() == "" {
			t.Error("no hint")
		}
	}
}

func BenchmarkFiles(b *testing.B) {
	for b.Loop() {
		if _, err := Files("tfplugin6"); err != nil {
			b.Fatal(err)
		}
	}
}
