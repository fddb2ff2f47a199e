package pack

import (
	"fmt"
	"path"
	"strings"
)

// Package is a provider in one version: what it starts, and its files.
type Package struct {
	Provider Provider
	Version  string
	// Settings are those of rpcplugin.yaml, as text.
	Settings []byte
	Program  Program
	Contents *Contents
	Binaries Binaries
	// Platforms are those to pack for.
	Platforms []Platform
}

// Check is all that can be said before anything is written: errors first.
func (p *Package) Check() Findings {
	var found Findings
	for _, platform := range p.Platforms {
		found = append(found, p.Binaries.check(platform)...)
	}
	found = append(found, p.Program.Check(p.Contents.Files, p.Contents.WhyMissing, p.Platforms)...)
	found = append(found, checkSecrets(append([]File{FileOf(SettingsName, p.Settings)}, p.Contents.Files...))...)
	found = append(found, p.checkNames()...)
	found = append(found, p.Contents.notes()...)
	return found.Sorted()
}

// checkNames looks for files that Terraform would take for the provider, or that
// would be overwritten by what belongs to every package.
func (p *Package) checkNames() Findings {
	var found Findings
	for _, file := range p.Contents.Files {
		if !strings.Contains(file.Name, "/") && p.Provider.starts(file.Name) {
			found.add(SeverityError, RuleExecutable, file.Name, "the name is one of those that Terraform starts",
				fmt.Sprintf("it takes the first file in lexical order whose name is %q, alone or followed by \"_\" or \".\"", p.Provider.prefix()), "rename it, or --exclude "+file.Name)
		}
	}
	return found
}

// Files are those of the package for one platform, in order.
func (p *Package) Files(platform Platform) []File {
	program := p.Binaries[platform]
	program.Name, program.Executable = p.Provider.executable(p.Version, platform), true
	files := append([]File{program, FileOf(SettingsName, p.Settings)}, p.Contents.Files...)
	sortFiles(files)
	return files
}

// folder is the place of an unpacked package in a mirror, with slashes.
func (p Provider) folder(version string, platform Platform) string {
	return path.Join(p.Host, p.Namespace, p.Type, version, platform.String())
}

// archive is the name of a packed package.
func (p Provider) archive(version string, platform Platform) string {
	return fmt.Sprintf("%s_%s_%s.zip", p.prefix(), version, platform)
}
