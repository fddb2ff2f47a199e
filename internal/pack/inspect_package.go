package pack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// inspect looks at the package in a place.
func (p place) inspect() *Inspected {
	if p.packed {
		one, err := inspectArchive(p.at)
		if err != nil {
			one = &Inspected{Path: p.at, Packed: true, Version: p.version, Platform: p.platform, address: p.provider}
			one.Findings.add(SeverityError, RuleUnreadable, "", err.Error(), "Terraform cannot unpack it", "remove it, or pack it anew")
		}
		return one
	}
	one := &Inspected{Path: p.at, address: p.provider, Version: p.version, Platform: p.platform}
	one.files, one.Findings = readFolder(p.at)
	var err error
	if one.H1, err = hash1(one.files); err != nil {
		one.unhashed(err)
	}
	one.look()
	return one
}

func (i *Inspected) unhashed(err error) {
	i.Findings.add(SeverityError, RuleUnreadable, "", "Terraform cannot hash the package: "+err.Error(), "", "")
}

// inspectArchive looks at a packed package.
func inspectArchive(at string) (*Inspected, error) {
	archive, err := zip.OpenReader(at)
	if err != nil {
		return nil, &Error{Reason: ReasonNoPackage, Err: fmt.Errorf("%s: %w", at, err), Advice: "expected a directory, or an archive terraform-provider-TYPE_VERSION_OS_ARCH.zip"}
	}
	defer archive.Close()
	one := &Inspected{Path: at, Packed: true}
	name := strings.TrimSuffix(filepath.Base(at), ".zip")
	rest, _ := strings.CutPrefix(name, "terraform-provider-")
	if words := strings.Split(rest, "_"); len(words) >= 4 && rest != name {
		parts := []string{"", "", words[0], words[1], words[2] + "_" + words[3]}
		if whole, err := filepath.Abs(at); err == nil {
			if above := strings.Split(filepath.ToSlash(filepath.Dir(whole)), "/"); len(above) > 3 && above[len(above)-1] == words[0] && strings.Contains(above[len(above)-3], ".") {
				parts[0], parts[1] = above[len(above)-3], above[len(above)-2]
			}
		}
		if found, ok := unpacked(parts); ok {
			one.address, one.Version, one.Platform = found.provider, found.version, found.platform
		}
	}
	if one.Version == "" {
		one.Findings.add(SeverityError, RuleFileName, "", fmt.Sprintf("the name is %q, expected terraform-provider-TYPE_VERSION_OS_ARCH.zip", filepath.Base(at)), "mirrors and registries go by the name", "rename it")
	}
	for _, entry := range archive.File {
		one.entry(entry)
	}
	sortFiles(one.files)
	if one.H1, err = dirhash.HashZip(at, dirhash.Hash1); err != nil {
		one.unhashed(err)
	}
	one.look()
	if one.ZH, err = zipHash(at); err != nil {
		return nil, &Error{Reason: ReasonFiles, Err: err}
	}
	for i := range one.files { // the archive is closed now
		one.files[i].Open = fromArchive(at, one.files[i].Name)
	}
	return one, nil
}

// entry takes up one entry of an archive.
func (i *Inspected) entry(entry *zip.File) {
	mode := entry.Mode()
	switch {
	case mode.IsDir():
		i.Findings.add(SeverityError, RuleZipDirectory, entry.Name, "an entry for a folder",
			"Terraform hashes it in the archive and not when it is unpacked, and so the lock file fits only one of the two", "pack without entries for folders (zip -D)")
		return
	case mode&fs.ModeSymlink != 0:
		i.Findings.add(SeverityError, RuleLink, entry.Name, "a link", "Terraform unpacks it as a file with the link's target as its text", "pack the file itself")
	case slices.Contains(strings.FieldsFunc(entry.Name, func(r rune) bool { return r == '/' || r == '\\' }), ".."):
		i.Findings.add(SeverityError, RuleFileName, entry.Name, "a folder of the name is \"..\"", "Terraform refuses to unpack it", "rename it")
	}
	for at := entry.Name; at != "." && at != "/"; at = path.Dir(at) {
		if why := junk(at, "", at != entry.Name); why != "" {
			i.Findings.junk(entry.Name, why)
			break
		}
	}
	i.files = append(i.files, File{Name: entry.Name, Executable: mode&0o111 != 0, Size: int64(entry.UncompressedSize64), Open: entry.Open}) //nolint:gosec // sizes fit
}

// fromArchive opens an entry; to close it closes the archive.
func fromArchive(at, name string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		archive, err := zip.OpenReader(at)
		if err != nil {
			return nil, err
		}
		file, err := archive.Open(name)
		if err != nil {
			archive.Close()
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{file, archive}, nil
	}
}

// look finds the file that Terraform will start, and all that speaks against it.
func (i *Inspected) look() {
	if i.address.Type == "" {
		i.address.Type = typeOf(i.files)
	}
	if i.address.Host != "" {
		i.Provider = i.address.String()
		i.Findings = append(i.Findings, i.address.Check()...)
	}
	if i.Version != "" {
		i.Findings = append(i.Findings, CheckVersion(i.Version)...)
	}
	for _, file := range i.files {
		i.Size += file.Size
		if !strings.Contains(file.Name, "/") && i.address.Type != "" && i.address.starts(file.Name) {
			i.Candidates = append(i.Candidates, file.Name)
		}
	}
	i.Files = len(i.files)
	i.Settings = find(i.files, SettingsName) != nil
	i.Findings = slices.Concat(i.Findings, checkSecrets(i.files), checkFileNames(i.files), checkSize(i.files))
	i.checkExecutable()
	i.Findings = i.Findings.Sorted()
}

// checkExecutable looks at the file that Terraform starts.
func (i *Inspected) checkExecutable() {
	bad := func(rule Rule, name, what, why, do string) { i.Findings.add(SeverityError, rule, name, what, why, do) }
	if len(i.Candidates) == 0 {
		bad(RuleExecutable, "", "there is no file that Terraform would start", fmt.Sprintf("its name is %q, alone or followed by \"_\" or \".\"", i.address.prefix()), "")
		return
	}
	i.Starts = i.Candidates[0]
	file := *find(i.files, i.Starts)
	header, err := file.Read(headerSize)
	if err != nil {
		return // it has been told of
	}
	kind, program := machineOf(header)
	switch {
	case program:
		i.For = "a " + kind.String()
	case strings.HasPrefix(string(header), "#!"):
		i.For = "a script"
		i.Findings.add(SeverityWarning, RuleExecutable, i.Starts, "it is a script", "its interpreter must be at the same place everywhere, and there is none on Windows", "")
	default:
		bad(RuleExecutable, i.Starts, "it is no program, and yet what Terraform starts", "the first name in lexical order counts", i.adviceOnNames())
	}
	platform := Here()
	if i.Platform != nil {
		platform = *i.Platform
	}
	if program && !kind.fits(platform) {
		bad(RulePlatform, i.Starts, fmt.Sprintf("it is a %s, expected one for %s", kind, platform), "", "pack it with the binary of that platform")
	}
	if program && !file.Executable && platform.OS != "windows" {
		rule, do := RuleExecutable, "chmod +x "+i.Starts
		if i.Packed {
			rule, do = RuleZipExecutable, "pack it with a tool that keeps modes, after chmod +x"
		}
		bad(rule, i.Starts, "it is not executable", "", do)
	}
	if program && !i.Settings && isRpcplugin(file) {
		bad(RuleSettings, SettingsName, "it is missing beside "+i.Starts+", which is rpcplugin", "the provider does not start", "pack it with its settings")
	}
	if len(i.Candidates) > 1 && program {
		i.Findings.add(SeverityWarning, RuleExecutable, i.Starts, "it is one of several that Terraform could start: "+strings.Join(i.Candidates, ", "),
			"the first name in lexical order counts, also that of a file which is no program", "keep one of them")
	}
}

// isRpcplugin reports whether a program was built of this module: it has the name inside.
func isRpcplugin(file File) bool {
	data, err := file.Read(maxBinary)
	return err == nil && bytes.Contains(data, []byte("github.com/pyvider/rpcplugin/cmd."))
}

// adviceOnNames tells which file was meant.
func (i *Inspected) adviceOnNames() string {
	at := slices.IndexFunc(i.Candidates, func(name string) bool {
		header, err := find(i.files, name).Read(headerSize)
		_, program := machineOf(header)
		return err == nil && program
	})
	if at < 0 {
		return "pack a program under that name"
	}
	return fmt.Sprintf("rename it, so that %q comes first", i.Candidates[at])
}
