package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pyvider/rpcplugin/internal/pack"
)

// packFindings are errors that a --check has found, and printed.
type packFindings struct {
	errors int
	path   string
}

func (f *packFindings) Error() string {
	return fmt.Sprintf("%s in %q", counted(f.errors, "error"), f.path)
}

// Hint says where the findings are explained.
func (*packFindings) Hint() string { return "see docs/packaging.md for each of them" }

// check tells what Terraform will do with what is there.
func (c *packCommand) check(p *Program, g globals) error {
	if len(c.Files) != 1 {
		return usagef("for example rpcplugin pack --check dist", "--check takes one path, found %s", counted(len(c.Files), "path"))
	}
	if _, err := os.Stat(c.Files[0]); errors.Is(err, fs.ErrNotExist) {
		return usagef("--check takes a mirror, the folder of a package or an archive", "%q does not exist", c.Files[0])
	}
	found, err := pack.Inspect(c.Files[0])
	if err != nil {
		return packError(err)
	}
	for i := range found.Packages {
		if err := checkPacked(&found.Packages[i]); err != nil {
			return err
		}
	}
	if c.Output == "json" {
		err = writeJSON(p.Stdout, found)
	} else {
		err = printInspection(p, g, found)
	}
	if n := found.Errors(); err == nil && n > 0 {
		err = &packFindings{errors: n, path: c.Files[0]}
	}
	return err
}

// checkPacked reads the settings of a package as the provider will.
func checkPacked(one *pack.Inspected) error {
	files := one.Contents()
	var text []byte
	for _, file := range files {
		if file.Name == settingsName && file.Size < 1<<20 {
			var err error
			if text, err = file.Read(1 << 20); err != nil {
				return err
			}
		}
	}
	if text == nil {
		return nil // it need not be rpcplugin that is started
	}
	settings := &packSettings{}
	if err := settings.readText(text); err != nil {
		return err
	}
	if len(settings.program.Exec) > 0 { // it was read
		platforms := []pack.Platform{pack.Here()}
		if one.Platform != nil {
			platforms[0] = *one.Platform
		}
		one.Findings = append(one.Findings, settings.program.Check(files, func(string) string { return "" }, platforms)...)
	}
	one.Findings = append(one.Findings, settings.found...).Sorted()
	return nil
}

// printInspection writes it for people.
func printInspection(p *Program, g globals, found *pack.Inspection) error {
	var table factTable
	switch found.Kind {
	case pack.KindMirror:
		table.row("mirror", found.Path+", the root of a filesystem mirror with "+counted(len(found.Packages), "package"))
	case pack.KindPackage:
		what := ", a package's folder: for dev_overrides"
		if found.Root != "" {
			what += ", and part of the mirror " + found.Root
		}
		table.row("package", found.Path+what)
	case pack.KindRelease:
		table.row("release", found.Path+", for a registry, with "+counted(len(found.Packages), "archive"))
	case pack.KindArchive:
		table.row("archive", found.Path+", a packed package")
	}
	if err := table.write(p.Stdout); err != nil {
		return err
	}
	writePackFindings(p.Stdout, newRenderer(p, p.Stdout, g.Color), found.Findings)
	for i := range found.Packages {
		fmt.Fprintln(p.Stdout)
		if err := printInspected(p, g, &found.Packages[i]); err != nil {
			return err
		}
	}
	return nil
}

func printInspected(p *Program, g globals, one *pack.Inspected) error {
	var table factTable
	name := one.Provider
	if name == "" {
		name = "type " + one.Address().Type
	}
	if one.Version != "" {
		name += " " + one.Version
	}
	if one.Platform != nil {
		name += " " + one.Platform.String()
	}
	table.row("provider", visible(name))
	table.row("at", one.Path)
	if one.Starts != "" {
		starts := one.Starts
		if one.For != "" {
			starts += ", " + one.For
		}
		if len(one.Candidates) > 1 {
			starts += "\nthe first of " + strings.Join(one.Candidates, ", ")
		}
		if one.Settings && one.For != "" {
			starts += "\nwith the settings in " + settingsName
		}
		table.row("starts", visible(starts))
	}
	table.row("hashed", fmt.Sprintf("%s, %s", counted(one.Files, "file"), packSize(one.Size)))
	for _, hash := range []string{one.H1, one.ZH} {
		if hash != "" {
			table.row("", hash)
		}
	}
	if len(one.Findings) == 0 {
		table.row("findings", "none")
	}
	if err := table.write(p.Stdout); err != nil {
		return err
	}
	writePackFindings(p.Stdout, newRenderer(p, p.Stdout, g.Color), one.Findings)
	return nil
}
