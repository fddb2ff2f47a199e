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

// searchMirror finds the packages below a directory as Terraform does, and the
// paths that look like packages and are passed over. Above are the names between
// the root of the mirror and the directory, none for the root itself.
func searchMirror(root string, above []string) ([]place, Findings, error) {
	var places []place
	var found Findings
	base := root
	if resolved, err := filepath.EvalSymlinks(root); err == nil {
		base = resolved // the root alone may be a link
	}
	err := filepath.WalkDir(base, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return failf(ReasonFiles, "make it readable, or name a mirror: Terraform gives up at such a folder, too", "%w", err)
		}
		relative, _ := filepath.Rel(base, at)
		parts := slices.Concat(above, strings.Split(filepath.ToSlash(relative), "/"))
		if relative == "." {
			return nil
		}
		linked := entry.Type()&fs.ModeSymlink != 0
		if linked && len(parts) < 4 {
			if info, err := os.Stat(at); err == nil && info.IsDir() {
				found.add(SeverityWarning, RuleLink, filepath.ToSlash(relative), "a link to a folder, which Terraform does not look into", "", "only the root of a mirror, or the folder of a package, may be a link")
			}
		}
		info, err := os.Stat(at)
		if err != nil {
			return nil //nolint:nilerr // it is passed over
		}
		one, why, looked := placeIn(parts, info.IsDir())
		switch {
		case !looked:
		case why != "":
			found.add(SeverityWarning, RuleFileName, filepath.ToSlash(relative), why, "Terraform passes over it", "see docs/packaging.md for the names in a mirror")
		default:
			one.at = at
			places = append(places, one)
		}
		if entry.IsDir() && len(parts) == 5 {
			return fs.SkipDir
		}
		return nil
	})
	return places, found, err
}

// placeIn tells what a path in a mirror is. Looked is false for those that are
// passed over in silence.
func placeIn(parts []string, folder bool) (found place, why string, looked bool) {
	switch {
	case len(parts) == 5 && folder:
		found, ok := unpacked(parts)
		if !ok {
			return place{}, "expected HOST/NAMESPACE/TYPE/VERSION/OS_ARCH", strings.Contains(parts[0], ".")
		}
		return found, "", true
	case len(parts) == 4 && !folder:
		prefix := "terraform-provider-" + parts[2] + "_"
		name := strings.ToLower(parts[3])
		if !strings.HasSuffix(name, ".zip") {
			return place{}, "", false
		}
		if !strings.HasPrefix(name, prefix) {
			return place{}, fmt.Sprintf("expected a name that begins with %q", prefix), true
		}
		words := strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, prefix), ".zip"), "_")
		if len(words) < 3 {
			return place{}, fmt.Sprintf("expected %sVERSION_OS_ARCH.zip", prefix), true
		}
		found, ok := unpacked([]string{parts[0], parts[1], parts[2], words[0], words[1] + "_" + words[2]})
		if !ok {
			return place{}, fmt.Sprintf("expected %sVERSION_OS_ARCH.zip", prefix), true
		}
		found.packed = true
		return found, "", true
	default:
		return place{}, "", false
	}
}

// unpacked reads HOST, NAMESPACE, TYPE, VERSION and OS_ARCH.
func unpacked(parts []string) (place, bool) {
	provider := Provider{Host: parts[0], Namespace: parts[1], Type: parts[2]}
	platform, err := ParsePlatform(parts[4])
	if err != nil || !isVersion(parts[3]) {
		return place{}, false
	}
	return place{provider: provider, version: parts[3], platform: &platform}, true
}

// readFolder lists the files of a package directory, none left out.
func readFolder(at string) ([]File, Findings) {
	var files []File
	var found Findings
	base := at
	if resolved, err := filepath.EvalSymlinks(at); err == nil {
		base = resolved
	}
	_ = filepath.WalkDir(base, func(here string, entry fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(base, here)
		inside := filepath.ToSlash(relative)
		if err != nil {
			found.add(SeverityError, RuleUnreadable, inside, "it cannot be read: "+err.Error(), "Terraform reads every file of a package, and fails", "make it readable, or remove it")
			return nil
		}
		if entry.IsDir() {
			if why := junk(inside, here, true); why != "" && inside != "." {
				found.junk(inside, why)
			}
			return nil
		}
		info, err := os.Stat(here)
		linked := entry.Type()&fs.ModeSymlink != 0
		switch {
		case err != nil && linked:
			found.add(SeverityError, RuleLink, inside, "the link leads nowhere", "Terraform reads every file of a package, and fails", "remove it")
			return nil
		case err != nil:
			return nil
		case linked && info.IsDir():
			found.add(SeverityError, RuleLink, inside, "a link to a folder", "Terraform reads links as files, and cannot install the package", "put the folder itself there")
			return nil
		case !info.Mode().IsRegular():
			found.add(SeverityError, RuleUnreadable, inside, "neither a file nor a folder", "Terraform reads every file of a package, and waits for ever at a pipe", "remove it")
			return nil
		case linked && path.Base(path.Dir(inside)) != ".bin":
			found.add(SeverityWarning, RuleLink, inside, "a link to a file", "the package changes when that file does, and cannot be packed or moved", "put the file itself there")
		}
		if why := junk(inside, here, false); why != "" && junk(path.Dir(inside), filepath.Dir(here), true) == "" {
			found.junk(inside, why)
		}
		files = append(files, fileAt(inside, here, info))
		return nil
	})
	sortFiles(files)
	return files, found
}

// junk is a finding about a file that is in a package and should not be.
func (f *Findings) junk(inside, name string) {
	for _, kind := range junkKinds() {
		if kind.name == name {
			f.add(SeverityWarning, kind.rule, inside, "it should not be in a package", kind.why, "remove it, and pack anew")
		}
	}
}
