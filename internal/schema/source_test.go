package schema_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/internal/testpb"
)

// files writes files into a directory.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		noError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		noError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

const notes = `syntax = "proto3";
package acme;
import "google/protobuf/timestamp.proto";
import "parts/tag.proto";
// Notes keeps notes.
service Notes { rpc Add(Note) returns (stream parts.Tag); }
message Note { google.protobuf.Timestamp at = 1; repeated parts.Tag tags = 2; Note inner = 3; oneof kind { string text = 4; int64 number = 5; } }
`

const tag = `syntax = "proto3";
package acme.parts;
message Tag { map<string, Colour> colours = 1; enum Colour { RED = 0; } }
`

func TestCompile(t *testing.T) {
	dir := files(t, map[string]string{"notes.proto": notes, "parts/tag.proto": tag, "broken.proto": "syntax = \"proto3\";\nmessage {"})
	for _, name := range []string{"notes.proto", filepath.Join(dir, "notes.proto")} {
		set, err := schema.Compile(t.Context(), []string{dir}, []string{name})
		noError(t, err)
		if names := set.ServiceNames(); !slices.Equal(names, []string{"acme.Notes"}) {
			t.Errorf("%s: services are %q", name, names)
		}
		if _, err := set.FindDescriptorByName("acme.parts.Tag"); err != nil {
			t.Errorf("what is imported: %v", err)
		}
	}
	for name, want := range map[string]string{"broken.proto": "broken.proto:2:9: ", "none.proto": "none.proto"} {
		if _, err := schema.Compile(t.Context(), []string{dir}, []string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", name, err, want)
		}
	}
}

// What is written reads like what it was made of, as a set and as source.
func TestExport(t *testing.T) {
	dir := files(t, map[string]string{"notes.proto": notes, "parts/tag.proto": tag})
	set, err := schema.Compile(t.Context(), []string{dir}, []string{"notes.proto"})
	noError(t, err)
	file, err := set.FindFileByPath("notes.proto")
	noError(t, err)
	path, out := filepath.Join(t.TempDir(), "set.binpb"), t.TempDir()
	noError(t, schema.WriteSet(path, []protoreflect.FileDescriptor{file, file}))
	read, err := schema.Load(path)
	noError(t, err)
	written, err := schema.WriteFiles(out, []protoreflect.FileDescriptor{file})
	noError(t, err)
	if want := []string{filepath.Join(out, "parts", "tag.proto"), filepath.Join(out, "notes.proto")}; !slices.Equal(written, want) {
		t.Errorf("written are %q, want %q", written, want)
	}
	again, err := schema.Compile(t.Context(), []string{out}, []string{"notes.proto"})
	noError(t, err)
	for name, set := range map[string]schema.Set{"set": read, "source": again} {
		method, err := schema.Method([]schema.Source{set}, "acme.Notes/Add")
		noError(t, err)
		if !method.IsStreamingServer() || method.Output().FullName() != "acme.parts.Tag" || method.Input().Fields().Len() != 5 {
			t.Errorf("%s: %v", name, method)
		}
	}
	if text, _ := os.ReadFile(written[1]); !strings.Contains(string(text), "// Notes keeps notes.") {
		t.Errorf("the comment is lost: %s", text)
	}
}

// A server may name its files as it likes; they stay within the directory.
func TestExportStaysInside(t *testing.T) {
	echo := protodesc.ToFileDescriptorProto(testpb.File_rpcplugin_test_test_proto)
	evil := "../evil.proto"
	echo.Name = &evil
	file, err := protodesc.NewFile(echo, nil)
	noError(t, err)
	dir := t.TempDir()
	if _, err := schema.WriteFiles(dir, []protoreflect.FileDescriptor{file}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Join(dir, evil)); err == nil {
		t.Error("it was written")
	}
}

func TestFindAndText(t *testing.T) {
	dir := files(t, map[string]string{"notes.proto": notes, "parts/tag.proto": tag})
	set, err := schema.Compile(t.Context(), []string{dir}, []string{"notes.proto"})
	noError(t, err)
	sources := schema.Sources{set, schema.BuiltIn("tfplugin6")}
	for name, want := range map[string]string{
		"acme.Notes":                    "// service acme.Notes\n// Notes keeps notes.\nservice Notes {\n  rpc Add(Note) returns (stream parts.Tag);\n}\n",
		"acme.Notes/Add":                "// method acme.Notes.Add\nrpc Add(Note) returns (stream parts.Tag);\n\n// message acme.Note\n",
		"acme.Notes.Add":                "\n// message acme.parts.Tag\n",
		"acme.parts.Tag.Colour":         "// enum acme.parts.Tag.Colour\nenum Colour {\n  RED = 0;\n}\n",
		"acme.Note.tags":                "// field acme.Note.tags\nrepeated parts.Tag tags = 2;\n",
		"tfplugin6.Diagnostic.Severity": "WARNING = 2;",
	} {
		symbol, err := sources.Find(name)
		noError(t, err)
		text, err := schema.Text(symbol)
		noError(t, err)
		if !strings.Contains(text, want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, text, want)
		}
	}
	for _, name := range []string{"", "acme", "acme.Notes.Remove", "no such", "/"} {
		if found, err := sources.Find(name); !errors.Is(err, schema.ErrUnknown) {
			t.Errorf("%q: %v, %v", name, found, err)
		}
	}
}

// A template is JSON that the message takes.
func TestTemplate(t *testing.T) {
	dir := files(t, map[string]string{"notes.proto": notes, "parts/tag.proto": tag})
	set, err := schema.Compile(t.Context(), []string{dir}, []string{"notes.proto"})
	noError(t, err)
	note, err := schema.Sources{set}.FindMessageByName("acme.Note")
	noError(t, err)
	want := `{
  "at": "1970-01-01T00:00:00Z",
  "tags": [
    {
      "colours": {
        "key": "RED"
      }
    }
  ],
  "inner": {},
  "text": ""
}`
	if got := string(schema.Template(note.Descriptor())); got != want {
		t.Errorf("template is %s\nwant %s", got, want)
	}
	for _, name := range []string{"tfplugin5", "tfplugin6"} {
		source := schema.BuiltIn(name)
		service, err := schema.Service([]schema.Source{source}, name+".Provider")
		noError(t, err)
		for i := range service.Methods().Len() {
			input := service.Methods().Get(i).Input()
			if err := protojson.Unmarshal(schema.Template(input), dynamicpb.NewMessage(input)); err != nil {
				t.Errorf("%s: %v", input.FullName(), err)
			}
		}
	}
}

func TestBuiltInOfNoName(t *testing.T) {
	if names := schema.BuiltIn("tfplugin0").ServiceNames(); len(names) != 0 {
		t.Errorf("services are %q", names)
	}
}
