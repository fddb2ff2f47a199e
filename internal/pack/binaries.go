package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Binaries are rpcplugin for several platforms: what a package starts.
type Binaries map[Platform]File

// maxBinary bounds what is taken out of an archive, in bytes.
const maxBinary = 256 << 20

// Add adds one that is a file.
func (b Binaries) Add(platform Platform, at string) error {
	info, err := os.Stat(at)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is no file", at)
	}
	if err != nil {
		return &Error{Reason: ReasonFiles, Err: fmt.Errorf("the binary for %s: %w", platform, err)}
	}
	b[platform] = fileAt(filepath.Base(at), at, info)
	return nil
}

// releaseName matches a file of a release: rpcplugin, perhaps a version, a platform.
func releaseName(name string) []string {
	return regexp.MustCompile(`^rpcplugin(?:[-_]v?(\d[^_]*))?[-_]([a-z0-9]+)[-_]([a-z0-9]+)(\.exe|\.tar\.gz|\.tgz|\.zip)?$`).FindStringSubmatch(name)
}

// AddFolder adds those of a folder of binaries or release archives, named
// rpcplugin_VERSION_OS_ARCH or rpcplugin_OS_ARCH, with .exe, .tar.gz or .zip.
func (b Binaries) AddFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return &Error{Reason: ReasonFiles, Err: err}
	}
	from := make(map[Platform]string)
	for _, entry := range entries {
		match := releaseName(entry.Name())
		if match == nil || entry.IsDir() {
			continue
		}
		platform := Platform{OS: match[2], Arch: match[3]}
		if other := from[platform]; other != "" {
			return failf(ReasonArgument, "keep one of the two there, or name one with --binary "+platform.String()+"=FILE",
				"%q and %q are both for %s", other, entry.Name(), platform)
		}
		from[platform] = entry.Name()
		at := filepath.Join(folder, entry.Name())
		switch match[4] {
		case "", ".exe":
			err = b.Add(platform, at)
		case ".zip":
			err = b.addArchive(platform, at, openZip)
		default:
			err = b.addArchive(platform, at, openTar)
		}
		if err != nil {
			return err
		}
	}
	if len(from) == 0 {
		return failf(ReasonArgument, "names are like rpcplugin_0.1.0_linux_amd64.tar.gz or rpcplugin_windows_amd64.exe",
			"%q has no rpcplugin for any platform", folder)
	}
	return nil
}

// addArchive takes rpcplugin out of an archive, into memory.
func (b Binaries) addArchive(platform Platform, at string, open func(string) ([]byte, error)) error {
	data, err := []byte(nil), b.Add(platform, at) // refuses what is no file
	if err == nil {
		data, err = open(at)
	}
	if err != nil {
		return &Error{Reason: ReasonFiles, Err: fmt.Errorf("%s: %w", at, err), Advice: "unpack it, and name the program with --binary " + platform.String() + "=FILE"}
	}
	file := FileOf(filepath.Base(at), data)
	file.Executable = true
	b[platform] = file
	return nil
}

// errNotInside is an archive without rpcplugin.
var errNotInside = errors.New("has no rpcplugin inside")

func isProgram(name string) bool {
	base := path.Base(name)
	return base == "rpcplugin" || base == "rpcplugin.exe" || releaseName(base) != nil
}

func readBinary(reader io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(reader, maxBinary+1))
	if err == nil && len(data) > maxBinary {
		err = fmt.Errorf("more than %d MiB", maxBinary>>20)
	}
	return data, err
}

func openZip(at string) ([]byte, error) {
	archive, err := zip.OpenReader(at)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	for _, file := range archive.File {
		if !isProgram(file.Name) || file.Mode()&fs.ModeType != 0 {
			continue
		}
		reader, err := file.Open()
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		return readBinary(reader)
	}
	return nil, errNotInside
}

func openTar(at string) ([]byte, error) {
	file, err := os.Open(at)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(unpacked)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, errNotInside
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeReg && isProgram(header.Name) {
			return readBinary(archive)
		}
	}
}

// Platforms lists those that there is a binary for.
func (b Binaries) Platforms() []Platform {
	var all []Platform
	for platform := range b {
		all = append(all, platform)
	}
	slices.SortFunc(all, func(a, b Platform) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// check holds the binary of a platform against it.
func (b Binaries) check(platform Platform) Findings {
	var found Findings
	bad := func(what, do string) {
		found.add(SeverityError, RulePlatform, "", what, "Terraform starts it on "+platform.String(), do)
	}
	name := fmt.Sprintf("--binary %s=FILE, or --binaries DIR with a release", platform)
	binary, there := b[platform]
	if !there {
		bad(fmt.Sprintf("there is no rpcplugin for %s", platform), "give "+name)
		return found
	}
	header, err := binary.Read(headerSize)
	if err != nil {
		bad(fmt.Sprintf("%q cannot be read: %v", binary.Name, err), "")
		return found
	}
	kind, program := machineOf(header)
	switch {
	case !program && bytes.HasPrefix(header, []byte("#!")):
		bad(fmt.Sprintf("%q is a script, expected rpcplugin itself", binary.Name), "give "+name)
	case !program:
		bad(fmt.Sprintf("%q is no program", binary.Name), "give "+name)
	case kind.fits(platform) && bytes.Contains(header, []byte("/ld-linux")):
		found.add(SeverityWarning, RulePlatform, "", fmt.Sprintf("%q needs the C library of a common Linux", binary.Name),
			"it does not start where there is none, as on Alpine", "build it with CGO_ENABLED=0, or give "+name)
	case !kind.fits(platform):
		bad(fmt.Sprintf("%q is a %s, expected one for %s", binary.Name, kind, platform), "give "+name)
	}
	return found
}
