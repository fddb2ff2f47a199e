package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/dirhash"
)

// Layout is a form in which packages are handed to Terraform.
type Layout string

// The layouts.
const (
	// LayoutMirror: unpacked, HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/….
	LayoutMirror Layout = "mirror"
	// LayoutPacked: archives, HOST/NAMESPACE/TYPE/terraform-provider-TYPE_VERSION_OS_ARCH.zip.
	LayoutPacked Layout = "packed"
	// LayoutNetwork: as packed, with the documents of a network mirror.
	LayoutNetwork Layout = "network"
	// LayoutRegistry: archives, their checksums and a manifest, as registries take a release.
	LayoutRegistry Layout = "registry"
)

// Output is where packages are written to, and how.
type Output struct {
	// Dir is the folder: the root of a mirror, or the one for a release.
	Dir    string
	Layout Layout
	// Force replaces what is there.
	Force bool
	// Progress is told of each file that was written, and of the bytes so far; nil: nobody is.
	Progress func(name string, done, total int64)
}

// Made is something that was written.
type Made struct {
	// Platform is nil for what is for all of them.
	Platform *Platform `json:"platform,omitempty"`
	Path     string    `json:"path"`
	// Files are those of the package; Size is theirs, or that of the archive, in bytes.
	Files int   `json:"files,omitempty"`
	Size  int64 `json:"size"`
	// H1 is the hash of the files, as in the lock file; ZH that of the archive, "" without one.
	H1 string `json:"h1,omitempty"`
	ZH string `json:"zh,omitempty"`

	name   string // below Dir, with slashes
	staged string
	merged bool // with what is there: it may be replaced
}

// Write writes a package for each of its platforms: all of them, or none. What
// is there already is replaced only with Force.
func (o Output) Write(ctx context.Context, p *Package) ([]Made, error) {
	made := o.plan(p)
	if err := o.refuseExisting(o.fixed(p, made), adviceExists); err != nil {
		return nil, err
	}
	err := o.write(ctx, p, &made)
	var failed *Error
	if err != nil && !errors.As(err, &failed) {
		err = &Error{Reason: ReasonFiles, Err: err}
	}
	return made, err
}

func (o Output) write(ctx context.Context, p *Package, made *[]Made) error {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	stage, err := os.MkdirTemp(o.Dir, ".pack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	total := int64(0)
	for _, platform := range p.Platforms {
		for _, file := range p.Files(platform) {
			total += file.Size
		}
	}
	counted := &counter{ctx: ctx, tell: o.Progress, total: total}
	for i := range *made {
		if one := &(*made)[i]; one.Platform != nil {
			one.staged = filepath.Join(stage, fmt.Sprint(i))
			if err := o.stage(p, one, counted); err != nil {
				return err
			}
		}
	}
	return o.publish(p, stage, made, counted)
}

// plan lists the packages to be written.
func (o Output) plan(p *Package) []Made {
	var all []Made
	for _, platform := range p.Platforms {
		archive := p.Provider.archive(p.Version, platform)
		name := archive
		switch o.Layout {
		case LayoutMirror:
			name = p.Provider.folder(p.Version, platform)
		case LayoutPacked, LayoutNetwork:
			name = path.Join(p.Provider.Host, p.Provider.Namespace, p.Provider.Type, archive)
		case LayoutRegistry:
		}
		all = append(all, Made{Platform: new(platform), name: name, Path: o.path(name)})
	}
	return all
}

// fixed are those that no run may change but with Force. Checksums of a release are
// those of one run.
func (o Output) fixed(p *Package, made []Made) []Made {
	if o.Layout != LayoutRegistry {
		return made
	}
	all := slices.Clone(made)
	for _, name := range registryNames(p) {
		all = append(all, Made{Path: o.path(name)})
	}
	return all
}

const adviceExists = "a version that somebody has installed must not change: raise --version, or replace it with --force"

func (o Output) path(name string) string { return filepath.Join(o.Dir, filepath.FromSlash(name)) }

func (o Output) refuseExisting(made []Made, advice string) error {
	if o.Force {
		return nil
	}
	for _, one := range made {
		switch _, err := os.Lstat(one.Path); {
		case err == nil:
			return failf(ReasonExists, advice, "%q is there already", one.Path)
		case !errors.Is(err, fs.ErrNotExist):
			return &Error{Reason: ReasonFiles, Err: err}
		}
	}
	return nil
}

// stage writes one package where it is not seen yet.
func (o Output) stage(p *Package, one *Made, counted *counter) error {
	files := p.Files(*one.Platform)
	one.Files = len(files)
	// What is hashed is what was written, whatever becomes of the source meanwhile.
	var err error
	if o.Layout != LayoutMirror {
		if one.Size, one.ZH, err = writeZip(one.staged, files, counted); err == nil {
			one.H1, err = dirhash.HashZip(one.staged, dirhash.Hash1)
		}
		return err
	}
	for _, file := range files {
		one.Size += file.Size
		if err := writeFile(filepath.Join(one.staged, filepath.FromSlash(file.Name)), file, counted); err != nil {
			return err
		}
	}
	one.H1, err = dirhash.HashDir(one.staged, "", dirhash.Hash1)
	return err
}

// writeFile writes one file, with its folders.
func writeFile(at string, file File, counted *counter) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	target, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.mode())
	if err != nil {
		return err
	}
	return errors.Join(copyFile(target, file, counted), target.Close())
}

func copyFile(to io.Writer, file File, counted *counter) error {
	reader, err := file.Open()
	if err != nil {
		return err
	}
	defer reader.Close()
	counted.name = file.Name
	_, err = io.Copy(to, io.TeeReader(reader, counted))
	return err
}

// counter is told of all that is written, and stops the writing.
type counter struct {
	ctx         context.Context // a writer has no other way to it
	tell        func(name string, done, total int64)
	name        string
	done, total int64
}

func (c *counter) Write(data []byte) (int, error) {
	c.done += int64(len(data))
	if c.tell != nil {
		c.tell(c.name, c.done, c.total)
	}
	return len(data), context.Cause(c.ctx)
}
