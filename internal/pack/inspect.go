package pack

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what Terraform can take a path for.
type Kind string

// The kinds.
const (
	// KindMirror: the root of a filesystem mirror.
	KindMirror Kind = "mirror"
	// KindPackage: the directory of one package, for a mirror or dev_overrides.
	KindPackage Kind = "package"
	// KindArchive: a packed package.
	KindArchive Kind = "archive"
	// KindRelease: archives and their checksums, for a registry.
	KindRelease Kind = "release"
)

// Inspection is what Terraform will do with a path.
type Inspection struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Root is the mirror's root if the path is somewhere inside one, "" if it is not.
	Root     string      `json:"root,omitempty"`
	Packages []Inspected `json:"packages"`
	// Findings are about the path as a whole.
	Findings Findings `json:"findings,omitempty"`
}

// Errors counts the errors among all findings.
func (i *Inspection) Errors() int {
	n := i.Findings.Errors()
	for _, one := range i.Packages {
		n += one.Findings.Errors()
	}
	return n
}

// Inspected is one package.
type Inspected struct {
	Path string `json:"path"`
	// Provider, Version and Platform come from the names around it; each is empty
	// where they do not tell.
	Provider string    `json:"provider,omitempty"`
	Version  string    `json:"version,omitempty"`
	Platform *Platform `json:"platform,omitempty"`
	Packed   bool      `json:"packed"`
	// Starts is the file that Terraform starts, the first of the candidates.
	Starts     string   `json:"starts,omitempty"`
	Candidates []string `json:"candidates,omitempty"`
	// For is what the header of that file says, "" if it is no program.
	For string `json:"for,omitempty"`
	// Settings reports whether rpcplugin.yaml is there.
	Settings bool     `json:"settings"`
	Files    int      `json:"files"`
	Size     int64    `json:"size"`
	H1       string   `json:"h1,omitempty"`
	ZH       string   `json:"zh,omitempty"`
	Findings Findings `json:"findings,omitempty"`

	address Provider
	files   []File
}

// Address is the provider's address as far as it is known.
func (i *Inspected) Address() Provider { return i.address }

// Contents are the files of the package.
func (i *Inspected) Contents() []File { return i.files }

// Inspect tells what Terraform will make of a directory or an archive.
func Inspect(at string) (*Inspection, error) {
	info, err := os.Stat(at)
	if err != nil {
		return nil, &Error{Reason: ReasonFiles, Err: err}
	}
	result := &Inspection{Path: at}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, failf(ReasonNoPackage, "expected a mirror, the folder of a package or an archive", "%q is neither a file nor a folder", at)
	}
	if !info.IsDir() {
		result.Kind = KindArchive
		one, err := inspectArchive(at)
		if err != nil {
			return nil, err
		}
		result.Packages = []Inspected{*one}
		return result, nil
	}
	places, found, err := searchMirror(at, nil)
	if err != nil {
		return nil, err
	}
	result.Findings = found
	if len(places) > 0 {
		result.Kind = KindMirror
		for _, place := range places {
			result.Packages = append(result.Packages, *place.inspect())
		}
		return result, nil
	}
	if archives, _ := filepath.Glob(filepath.Join(at, "terraform-provider-*.zip")); len(archives) > 0 && !hasCandidate(at) {
		result.Kind = KindRelease
		return result, result.release(archives)
	}
	place, root := placeOf(at)
	if root != "" || hasCandidate(at) {
		result.Kind, result.Root, result.Findings = KindPackage, root, nil
		result.Packages = []Inspected{*place.inspect()}
		return result, nil
	}
	return nil, noPackage(at, found)
}

// release looks at the archives of a release, and at their checksums.
func (i *Inspection) release(archives []string) error {
	sums := ""
	lists, _ := filepath.Glob(filepath.Join(i.Path, "terraform-provider-*_SHA256SUMS"))
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			return &Error{Reason: ReasonFiles, Err: err}
		}
		sums += string(data)
	}
	for _, archive := range archives {
		one := place{at: archive, packed: true}.inspect()
		if line := strings.TrimPrefix(one.ZH, "zh:") + "  " + filepath.Base(archive) + "\n"; !strings.Contains(sums, line) {
			one.Findings.add(SeverityError, RuleChecksum, "", "the checksums do not have this archive as it is", "registries refuse it", "pack the release anew, with all its platforms at once")
		}
		i.Packages = append(i.Packages, *one)
	}
	return nil
}

// noPackage tells what a directory should have looked like.
func noPackage(at string, found Findings) error {
	whole, err := filepath.Abs(at)
	if err != nil {
		return &Error{Reason: ReasonFiles, Err: err}
	}
	names := strings.Split(filepath.ToSlash(whole), "/")
	for depth := 1; depth <= 4 && depth < len(names); depth++ {
		above := names[len(names)-depth:]
		if !strings.Contains(above[0], ".") { // no host
			continue
		}
		if places, _, err := searchMirror(whole, above); err == nil && len(places) > 0 {
			root := filepath.Clean(whole + strings.Repeat("/..", depth))
			return failf(ReasonNoPackage, fmt.Sprintf("name the mirror's root, %q", root), "%q is inside of a mirror, and nothing that Terraform takes itself", at)
		}
	}
	advice := "a mirror has HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/terraform-provider-TYPE…, a package a file terraform-provider-TYPE…"
	if len(found) > 0 {
		advice = found[0].Path + ": " + found[0].What + "; " + advice
	}
	return failf(ReasonNoPackage, advice, "%q has no package of a provider", at)
}

// hasCandidate reports whether a directory has a file that looks like a provider.
func hasCandidate(at string) bool {
	entries, err := os.ReadDir(at)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return !e.IsDir() && strings.HasPrefix(e.Name(), "terraform-provider-") && !strings.HasSuffix(e.Name(), ".zip") &&
			!strings.Contains(e.Name(), "_SHA256SUMS") && !strings.HasSuffix(e.Name(), "_manifest.json")
	})
}

// typeOf is the type that the names of a package tell: that of the shortest.
func typeOf(files []File) string {
	shortest := ""
	for _, file := range files {
		rest, found := strings.CutPrefix(file.Name, "terraform-provider-")
		if !found || strings.Contains(file.Name, "/") {
			continue
		}
		name, _, _ := strings.Cut(rest, "_")
		name, _, _ = strings.Cut(name, ".")
		if name != "" && (shortest == "" || len(name) < len(shortest)) {
			shortest = name
		}
	}
	return shortest
}

// place is where a package is, and what the names of the directories around it say.
type place struct {
	at       string
	provider Provider
	version  string
	platform *Platform
	packed   bool
}

// placeOf reads the last five names of a directory's path; root is "" if they are
// not those of a package in a mirror.
func placeOf(at string) (found place, root string) {
	found.at = at
	whole, err := filepath.Abs(at)
	if err != nil {
		return found, ""
	}
	parts := strings.Split(filepath.ToSlash(whole), "/")
	if len(parts) < 6 {
		return found, ""
	}
	tail := parts[len(parts)-5:]
	inside, ok := unpacked(tail)
	if !ok || !strings.Contains(tail[0], ".") || inside.provider.Check().Errors() > 0 {
		return found, ""
	}
	inside.at = at
	return inside, path.Join(whole, "../../../../..")
}
