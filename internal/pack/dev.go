package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DevConfiguration is the name of the file with dev_overrides.
const DevConfiguration = "dev.tfrc"

// Dev makes a folder from which Terraform starts the provider as it stands in the
// source folder, so that each edit counts at once: a link to the program (or a copy
// where there can be no link), the settings, which must name the files by their
// absolute paths, and a CLI configuration with dev_overrides.
func (o Output) Dev(p *Package, program string) ([]Made, error) {
	folder, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, &Error{Reason: ReasonFiles, Err: err}
	}
	if sameFile(p.Program.Dir, folder) {
		return nil, failf(ReasonArgument, "name another folder for the output", "%q has the settings of the source, and would be written to", o.Dir)
	}
	executable := p.Provider.prefix() + Here().suffix()
	made := []Made{
		{Path: o.path(executable)},
		{Path: o.path(SettingsName), Size: int64(len(p.Settings))},
		{Path: o.path(DevConfiguration)},
	}
	if err := o.refuseExisting(made, "if an earlier run has made it, replace it with --force"); err != nil {
		return nil, err
	}
	configuration := DevOverrides(p.Provider, folder)
	made[2].Size = int64(len(configuration))
	err = os.MkdirAll(o.Dir, 0o755)
	if err == nil {
		err = o.linkProgram(made[0].Path, program)
	}
	if err == nil {
		err = o.replaceFile(made[1].Path, p.Settings)
	}
	if err == nil {
		err = o.replaceFile(made[2].Path, []byte(configuration))
	}
	if err != nil {
		return nil, &Error{Reason: ReasonFiles, Err: err}
	}
	return made, nil
}

func (o Output) linkProgram(at, program string) error {
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Symlink(program, at) == nil {
		return nil
	}
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// replaceFile writes a file beside, and moves it to its place.
func (o Output) replaceFile(at string, data []byte) error {
	file, err := os.CreateTemp(o.Dir, ".pack-")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), at)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// DevOverrides is a CLI configuration that takes a provider out of a folder, as it is.
func DevOverrides(p Provider, folder string) string {
	return "provider_installation {\n  dev_overrides {\n    " + quote(p.String()) + " = " + quote(folder) + "\n  }\n  direct {}\n}\n"
}

// FilesystemMirror is a CLI configuration that takes a provider out of a mirror,
// and all others from where they come from.
func FilesystemMirror(p Provider, folder string) string {
	return mirror("filesystem", "path", folder, p)
}

// NetworkMirror is the same for a mirror that is served at a URL.
func NetworkMirror(p Provider, url string) string { return mirror("network", "url", url, p) }

func mirror(kind, attribute, place string, p Provider) string {
	address := quote(p.String())
	return "provider_installation {\n  " + kind + "_mirror {\n    " + fmt.Sprintf("%-7s", attribute) + " = " + quote(place) +
		"\n    include = [" + address + "]\n  }\n  direct {\n    exclude = [" + address + "]\n  }\n}\n"
}

// quote is a text as a literal of Terraform's language.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{").Replace(text) + `"`
}
