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

// Source is where the files of a package come from.
type Source struct {
	// Paths are files, which are packed under their own names, and folders, which
	// are packed under theirs; of a single folder, what it holds is packed.
	Paths []string
	// Provider is whose package it is.
	Provider Provider
	// Exclude are patterns of path.Match for names, or for paths in the package,
	// that are left out beside what no package needs.
	Exclude []string
	// Skip is a folder that is not looked into, such as the one for the output.
	Skip string
}

// Contents are the files of a package but for its program and settings.
type Contents struct {
	Files []File
	// Origin is where each file comes from, by its name in the package.
	Origin map[string]string
	// LeftOut are the paths that were left out, with the reason.
	LeftOut map[string]string

	found Findings
	seen  map[string]bool
}

// Read collects the files. The findings are about those that cannot be packed.
func (s Source) Read() (*Contents, Findings, error) {
	for _, pattern := range s.Exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, nil, failf(ReasonArgument, "for example --exclude 'tests' --exclude '*.md'", "--exclude %q is no pattern", pattern)
		}
	}
	c := &Contents{Origin: make(map[string]string), LeftOut: make(map[string]string), seen: make(map[string]bool)}
	for _, at := range s.Paths {
		info, err := os.Stat(at)
		if err != nil {
			return nil, nil, &Error{Reason: ReasonFiles, Err: err}
		}
		if s.Skip != "" && info.IsDir() && sameFile(at, s.Skip) {
			return nil, nil, failf(ReasonArgument, "name another folder for the output, also one inside of it", "%q is packed, and would be written to", at)
		}
		name := ""
		if !info.IsDir() || len(s.Paths) > 1 {
			whole, err := filepath.Abs(at)
			if err != nil {
				return nil, nil, &Error{Reason: ReasonFiles, Err: err}
			}
			name = filepath.Base(whole)
		}
		if err := s.walk(c, at, name); err != nil {
			return nil, nil, &Error{Reason: ReasonFiles, Err: err}
		}
	}
	sortFiles(c.Files)
	return c, slices.Concat(c.found, checkFileNames(c.Files), checkSize(c.Files)), nil
}

// walk collects what is at a path of the disk as name in the package.
func (s Source) walk(c *Contents, at, name string) error {
	root := at
	if resolved, err := filepath.EvalSymlinks(at); err == nil {
		root = resolved // the folder itself may be a link
	}
	return filepath.WalkDir(root, func(here string, entry fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, here)
		inside := path.Join(name, filepath.ToSlash(relative))
		if err != nil {
			c.unreadable(inside, err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if inside == "." {
			return nil
		}
		if why := s.leavesOut(inside, here, entry); why != "" {
			c.LeftOut[inside] = why
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.IsDir() {
			c.add(inside, here, root, entry)
		}
		return nil
	})
}

// leavesOut tells why a file or folder is not packed, "" if it is.
func (s Source) leavesOut(inside, here string, entry fs.DirEntry) string {
	for _, pattern := range s.Exclude {
		byName, _ := path.Match(pattern, path.Base(inside))
		byPath, _ := path.Match(strings.TrimSuffix(pattern, "/"), inside)
		if byName || byPath {
			return "excluded"
		}
	}
	if s.Skip != "" && entry.IsDir() && sameFile(here, s.Skip) {
		return "output"
	}
	if entry.IsDir() && path.Base(inside) == "dist" && isOutput(here) {
		return "earlier"
	}
	top := !strings.Contains(inside, "/")
	if top && inside == SettingsName {
		return "settings" // which are packed by themselves
	}
	if top && s.Provider.starts(inside) && !entry.IsDir() && isOldProgram(here) {
		return "program"
	}
	return junk(inside, here, entry.IsDir())
}

// isOutput reports whether a folder is what an earlier run has made.
func isOutput(at string) bool {
	if _, err := os.Stat(filepath.Join(at, DevConfiguration)); err == nil || hasCandidate(at) {
		return true
	}
	if archives, _ := filepath.Glob(filepath.Join(at, "terraform-provider-*.zip")); len(archives) > 0 {
		return true
	}
	places, _, _ := searchMirror(at, nil)
	return len(places) > 0
}

// isOldProgram reports whether it is a link or a program: one that an author has
// made to try the provider. The package has its own.
func isOldProgram(at string) bool {
	if info, err := os.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return true
	}
	_, program := machineOf(headerOf(at))
	return program
}

// add packs one file of the folder root.
func (c *Contents) add(inside, here, root string, entry fs.DirEntry) {
	info, err := os.Stat(here)
	if err != nil {
		if entry.Type()&fs.ModeSymlink != 0 {
			c.found.add(SeverityError, RuleLink, inside, "the link leads nowhere", "Terraform reads every file of a package, and fails", "remove it, or --exclude "+inside)
			return
		}
		c.unreadable(inside, err)
		return
	}
	linked := entry.Type()&fs.ModeSymlink != 0
	switch {
	case linked && info.IsDir():
		c.found.add(SeverityError, RuleLink, inside, "a link to a folder",
			"a package with one cannot be installed: Terraform reads links as files", "put the folder itself there, or --exclude "+inside)
		return
	case !info.Mode().IsRegular():
		c.found.add(SeverityError, RuleUnreadable, inside, "neither a file nor a folder", "", "--exclude "+inside)
		return
	case strings.ContainsAny(inside, "\n\r"):
		c.found.add(SeverityError, RuleFileName, inside, fmt.Sprintf("the name is %q", inside), "Terraform cannot hash names with line breaks", "rename it")
		return
	case c.seen[inside]:
		c.found.add(SeverityError, RuleFileName, inside, "two files would have this name", "files are packed under their own names", "give the folder that holds both, or rename one")
		return
	case linked:
		c.link(inside, here, root)
	}
	reader, err := os.Open(here)
	if err != nil {
		c.unreadable(inside, err)
		return
	}
	reader.Close()
	c.seen[inside] = true
	c.Origin[inside] = here
	c.Files = append(c.Files, fileAt(inside, here, info))
}

func (c *Contents) unreadable(inside string, err error) {
	c.found.add(SeverityError, RuleUnreadable, inside, "it cannot be read: "+err.Error(), "", "make it readable, or --exclude "+inside)
}

// link tells that the file is packed to which a link leads, and whose that is.
func (c *Contents) link(inside, here, root string) {
	target := resolved(here)
	if relative, err := filepath.Rel(resolved(root), target); err != nil || !filepath.IsLocal(relative) {
		c.found.add(SeverityWarning, RuleLink, inside, fmt.Sprintf("a link out of the folder: %q is packed", target), "everybody who installs the provider can read it", "put the file itself there, or --exclude "+inside)
		return
	}
	c.found.add(SeverityNote, RuleLink, inside, "a link: the file that it leads to is packed", "", "")
}

// WhyMissing tells why a file that exists is not in the package, "" if nobody knows.
func (c *Contents) WhyMissing(name string) string {
	for at := path.Clean(name); at != "." && at != "/"; at = path.Dir(at) {
		if why := c.LeftOut[at]; why != "" {
			return why
		}
	}
	return ""
}

// notes tells what was left out, one finding for each reason.
func (c *Contents) notes() Findings {
	byWhy := make(map[string][]string)
	for name, why := range c.LeftOut {
		if why != "settings" && why != "output" {
			byWhy[why] = append(byWhy[why], name)
		}
	}
	var found Findings
	for _, kind := range junkKinds() {
		names := byWhy[kind.name]
		if names == nil {
			continue
		}
		slices.Sort(names)
		shown := strings.Join(names[:min(len(names), 3)], ", ")
		if len(names) > 3 {
			shown += fmt.Sprintf(" and %d more", len(names)-3)
		}
		found.add(kind.severity, kind.rule, "", "left out: "+shown, kind.why, "")
	}
	return found
}
