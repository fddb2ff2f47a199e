package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFromGoPlugin: the table of the page has every exported name of go-plugin,
// and the names of ours in it are there.
func TestFromGoPlugin(t *testing.T) {
	t.Parallel()
	theirs := names(t, moduleFolder(t, "github.com/hashicorp/go-plugin"), map[string]string{".": "", "runner": "runner."})
	ours := names(t, moduleFolder(t, "github.com/pyvider/rpcplugin"), map[string]string{
		"pkg/client": "client.", "pkg/server": "server.", "pkg/services": "services.", "pkg/handshake": "handshake.",
		"pkg/pki": "pki.", "pkg/pki/certs": "certs.", "pkg/transport": "transport.",
	})
	text, err := os.ReadFile("from-go-plugin.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := comparison(string(text))
	if len(rows) == 0 {
		t.Fatal("no table")
	}
	for _, name := range theirs {
		holder, _, _ := strings.Cut(strings.TrimPrefix(name, "runner."), ".")
		if strings.HasPrefix(name, "runner.") {
			holder = "runner." + holder
		}
		// What is not there at all has no members here either.
		if rows[name] == "" && !strings.HasPrefix(rows[holder], "none") {
			t.Errorf("go-plugin's %s has no row", name)
		}
	}
	for name, answer := range rows {
		if !slices.Contains(theirs, name) {
			t.Errorf("row %s: go-plugin has no such name", name)
		}
		mentioned := regexp.MustCompile("`([a-z]+\\.[A-Z][A-Za-z.]*)").FindAllStringSubmatch(answer, -1)
		if len(mentioned) == 0 && !strings.HasPrefix(answer, "none: ") {
			t.Errorf("row %s: %q, expected a name such as `client.Start`, or \"none: \" and why", name, answer)
		}
		for _, match := range mentioned {
			if !slices.Contains(ours, match[1]) && !foreign(match[1]) {
				t.Errorf("row %s: there is no %s", name, match[1])
			}
		}
	}
}

// TestReasonsOnPages: the pages on both roles list every reason of an Error.
func TestReasonsOnPages(t *testing.T) {
	t.Parallel()
	for page, in := range map[string][2]string{
		"plugin-in-go.md": {"pkg/server", "server."},
		"host-in-go.md":   {"pkg/client", "client."},
	} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names(t, moduleFolder(t, "github.com/pyvider/rpcplugin"), map[string]string{in[0]: in[1]}) {
			if strings.HasPrefix(name, in[1]+"Reason") && name != in[1]+"Reason" && !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("%s does not have %s", page, name)
			}
		}
	}
}

// foreign says that a name is of the standard library, or of gRPC.
func foreign(name string) bool {
	return slices.Contains([]string{"grpc", "exec", "signal", "context", "slog", "errors", "tls", "os"}, strings.Split(name, ".")[0])
}

// comparison reads the rows of tables whose first column is names of go-plugin in
// backquotes, separated by commas.
func comparison(text string) map[string]string {
	rows := make(map[string]string)
	for _, at := range fenced(text) {
		cells := strings.Split(at.text, " | ")
		if at.fence != nil || len(cells) != 2 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			rows[name[1]] = strings.TrimSuffix(strings.TrimSpace(cells[1]), " |")
		}
	}
	return rows
}

func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	return strings.TrimSpace(string(output))
}

// names lists the exported names of packages, by folder and what to put before
// them: T, T.Field, T.Method, Func, Const, Var.
func names(t *testing.T, root string, packages map[string]string) []string {
	t.Helper()
	var found []string
	for folder, prefix := range packages {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, declaration := range file.Decls {
				for _, name := range declared(declaration) {
					found = append(found, prefix+name)
				}
			}
		}
	}
	return found
}

// declared lists what a declaration exports.
func declared(declaration ast.Decl) []string {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		return method(d)
	case *ast.GenDecl:
		var found []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					found = append(found, exported("", name)...)
				}
			case *ast.TypeSpec:
				found = append(found, members(s)...)
			}
		}
		return found
	}
	return nil
}

func method(d *ast.FuncDecl) []string {
	if d.Recv == nil {
		return exported("", d.Name)
	}
	receiver := d.Recv.List[0].Type
	if pointer, is := receiver.(*ast.StarExpr); is {
		receiver = pointer.X
	}
	if name, is := receiver.(*ast.Ident); is && name.IsExported() {
		return exported(name.Name+".", d.Name)
	}
	return nil
}

// members lists a type, with its fields or the methods of an interface.
func members(s *ast.TypeSpec) []string {
	if !s.Name.IsExported() {
		return nil
	}
	found := []string{s.Name.Name}
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return found
	}
	for _, field := range fields.List {
		for _, name := range field.Names { // none for what is embedded
			found = append(found, exported(s.Name.Name+".", name)...)
		}
	}
	return found
}

func exported(prefix string, name *ast.Ident) []string {
	if !name.IsExported() {
		return nil
	}
	return []string{prefix + name.Name}
}
