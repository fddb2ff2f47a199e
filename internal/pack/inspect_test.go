package pack

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	p := packageOf(t, "1.0.0")
	p.Platforms = p.Platforms[:1]
	made(t, Output{Dir: root, Layout: LayoutMirror}, p)
	folder := filepath.Join(root, filepath.FromSlash(notes.folder("1.0.0", p.Platforms[0])))
	one, err := Inspect(root)
	if err != nil || one.Kind != KindMirror || len(one.Packages) != 1 || one.Errors() > 0 || one.Packages[0].Starts != "terraform-provider-notes_v1.0.0" {
		t.Fatalf("the mirror: %+v, %v", one, err)
	}
	one, err = Inspect(folder)
	if err != nil || one.Kind != KindPackage || one.Root == "" || one.Packages[0].Version != "1.0.0" || one.Packages[0].Provider != notes.String() {
		t.Errorf("the package: %+v, %v", one, err)
	}
	var failed *Error
	for _, inside := range []string{"registry.terraform.io", "registry.terraform.io/acme/notes/1.0.0"} {
		if _, err := Inspect(filepath.Join(root, inside)); !errors.As(err, &failed) || failed.Reason != ReasonNoPackage || !strings.Contains(failed.Hint(), "root") {
			t.Errorf("inside of a mirror: %v", err)
		}
	}
	if _, err := Inspect(t.TempDir()); !errors.As(err, &failed) || failed.Reason != ReasonNoPackage {
		t.Errorf("an empty folder: %v", err)
	}
	write(t, folder, map[string]string{"terraform-provider-notes.json": "{}", "__pycache__/x.pyc": ""})
	one, err = Inspect(root)
	if err != nil || one.Packages[0].Starts != "terraform-provider-notes.json" {
		t.Fatalf("spoilt: %+v, %v", one, err)
	}
	if got, want := rules(one.Packages[0].Findings), []string{"error executable terraform-provider-notes.json", "warning pycache __pycache__"}; !slices.Equal(got, want) {
		t.Errorf("findings are %q, want %q", got, want)
	}
	// Names that Terraform passes over.
	write(t, root, map[string]string{"registry.terraform.io/acme/notes/terraform-provider-other_1.0.0_linux_amd64.zip": "", "registry.terraform.io/acme/notes/v2.0.0/linux_amd64/x": ""})
	one, err = Inspect(root)
	if err != nil || len(one.Packages) != 1 || len(one.Findings) != 2 {
		t.Errorf("names: %+v, %v", one, err)
	}
}
