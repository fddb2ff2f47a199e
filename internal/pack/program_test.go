package pack

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	files := []File{{Name: "provider.py"}, {Name: "run", Executable: true}, {Name: "pkg/__main__.py"}, {Name: "requirements.txt"}}
	here := t.TempDir()
	for _, test := range []struct {
		name    string
		program Program
		want    []string
	}{
		{"good", Program{Exec: []string{"go", in("provider.py")}}, nil},
		{"good program", Program{Exec: []string{in("run"), "--port", "7"}}, nil},
		{"built-in", Program{}, nil},
		{"not executable", Program{Exec: []string{in("provider.py")}}, []string{"error command provider.py"}},
		{"missing", Program{Exec: []string{"go", in("nothing.py")}}, []string{"error missing nothing.py"}},
		{"missing command", Program{Exec: []string{in(".venv/bin/python"), in("provider.py")}}, []string{"error missing .venv/bin/python"}},
		{"outside", Program{Exec: []string{"go", dir + "/../provider.py"}}, []string{"error missing ../provider.py"}},
		{"relative", Program{Exec: []string{"go", "provider.py"}}, []string{"error relative"}},
		{"relative in a flag", Program{Exec: []string{"go", "--script=./provider.py"}}, []string{"error relative"}},
		{"relative command", Program{Exec: []string{"./run"}}, []string{"error relative"}},
		{"command that is packed", Program{Exec: []string{"run"}}, []string{"error relative run"}},
		{"only here", Program{Exec: []string{here, in("provider.py")}}, []string{"warning only-here"}},
		{"only there", Program{Exec: []string{"/opt/no/such/python3", in("provider.py")}}, []string{"warning only-here"}},
		{"everywhere", Program{Exec: []string{"/usr/bin/env", "python3", in("provider.py")}}, nil},
		{"not in PATH", Program{Exec: []string{"no-such-command"}}, []string{"warning command"}},
		{"module", Program{Exec: []string{"go", "-m", "pkg"}}, []string{"error relative"}},
		{"module found", Program{Exec: []string{"go", "-m", "pkg"}, Env: []string{"PYTHONPATH=" + dir}}, nil},
		{"somebody's module", Program{Exec: []string{"go", "-m", "gunicorn"}}, nil},
		{"variable", Program{Exec: []string{"go"}, Env: []string{"CA=" + in("ca.pem")}}, []string{"error missing ca.pem"}},
		{"requirements", Program{Exec: []string{"go"}, Requirements: in("requirements.txt")}, nil},
		{"requirements elsewhere", Program{Exec: []string{"go"}, Requirements: "requirements.txt"}, []string{"error requirements"}},
		{"requirements missing", Program{Exec: []string{"go"}, Requirements: in("req.txt")}, []string{"error requirements req.txt"}},
		{"version", Program{Exec: []string{"go"}, Versions: []int{4}}, []string{"error protocol"}},
		{"native", Program{Exec: []string{"go"}, Native: true}, []string{"note protocol"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.program.Dir = dir
			got := rules(test.program.Check(files, func(string) string { return "" }, []Platform{Here()}))
			if !slices.Equal(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("findings are %q, want %q", got, test.want)
			}
		})
	}
	if got := (Program{Versions: []int{6, 5, 7}}).protocols(); !slices.Equal(got, []string{"5.0", "6.0"}) {
		t.Errorf("protocols are %q", got)
	}
}

func TestProviderAndVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"acme/notes": "registry.terraform.io/acme/notes", "example.com:8443/acme/my-notes2": "example.com:8443/acme/my-notes2", "localhost/a/b": "localhost/a/b",
	} {
		got, err := ParseProvider(text)
		if err != nil || got.String() != want || len(got.Check()) > 0 {
			t.Errorf("%q is %v, %v, with %v", text, got, err, got.Check())
		}
	}
	for _, text := range []string{"", "notes", "a//b", "a/b/c/d", "../x/y", `a\b/c`} {
		if got, err := ParseProvider(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
	for _, text := range []string{"acme/Notes", "acme/my_notes", "acme/-a", "acme/a--b", "acme/terraform-provider-a", "acme/terraform-a", "Acme/a", "h_o.st/a/b"} {
		got, err := ParseProvider(text)
		if err != nil || got.Check().Errors() != 1 {
			t.Errorf("%q is %v, %v, with %v; want one error", text, got, err, got.Check())
		}
	}
	for version, want := range map[string]Severity{
		"0.1.0": "", "1.2.3": "", "1.0.0-beta.1": SeverityWarning, "1.0.0+x": SeverityWarning, "1.0": SeverityWarning,
		"v1.0.0": SeverityError, "1.0.0.0": SeverityError, "": SeverityError, "one": SeverityError, "01.0.0": SeverityError, "99999999999999999999.0.0": SeverityError,
	} {
		found := CheckVersion(version)
		if (want == "") != (len(found) == 0) || len(found) > 0 && found[0].Severity != want {
			t.Errorf("version %q has %v, want %q", version, found, want)
		}
	}
	for name, want := range map[string]bool{
		"terraform-provider-notes": true, "terraform-provider-notes_v1": true, "terraform-provider-notes.exe": true, "terraform-provider-notes.json": true,
		"terraform-provider-notes-x": false, "terraform-provider-note": false, "rpcplugin.yaml": false,
	} {
		if got := notes.starts(name); got != want {
			t.Errorf("%s is started: %t, want %t", name, got, want)
		}
	}
}
