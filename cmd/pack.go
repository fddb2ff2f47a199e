package cmd

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/internal/pack"
)

// packGrammar is its place on the command line.
type packGrammar struct {
	Pack packCommand `cmd:"" usage:"[--exec CMD ARGS…]" help:"Make of a program and its files a provider that Terraform and OpenTofu find."`
}

// packCommand makes packages of providers, and looks at those that are there.
type packCommand struct {
	Files    []string `arg:"" optional:"" help:"Files and folders to pack; of a single folder, what it holds."`
	Exec     []string `sep:"none" placeholder:"CMD ARGS…" help:"Program of the provider; names of packed files are found among them. All that follows is its command line. Without it there is an rpcplugin.yaml among the files."`
	Provider string   `placeholder:"NAMESPACE/TYPE" help:"Address of the provider, with a registry's host before it or without; default: that of rpcplugin.yaml."`
	Version  string   `placeholder:"N.N.N" help:"Version of the provider."`
	As       string   `enum:"mirror,packed,network,registry,dev" default:"mirror" placeholder:"LAYOUT" help:"What to make: mirror, a filesystem mirror; packed, one of archives; network, a mirror to be served; registry, a release with checksums; dev, a folder that runs the source as it is."`
	Out      string   `placeholder:"DIR" help:"Folder to write to; default: dist."`
	Install  bool     `help:"Write to the plugin folder of this user, where Terraform and OpenTofu look by themselves."`
	Platform []string `placeholder:"OS_ARCH,…" help:"Platforms to pack for; default: those of the binaries that are given, else this one."`
	Binary   []string `sep:"none" placeholder:"OS_ARCH=FILE" help:"rpcplugin for another platform; may be given again."`
	Binaries string   `placeholder:"DIR" help:"Folder with rpcplugin for several platforms: programs or release archives, rpcplugin_VERSION_OS_ARCH."`
	Exclude  []string `sep:"none" placeholder:"PATTERN" help:"Names or paths to leave out; may be given again."`
	Force    bool     `help:"Replace what is there."`
	Check    bool     `help:"Make nothing: tell what Terraform will do with a mirror, a package's folder or an archive that is there."`
	Output   string   `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (packCommand) Help() string {
	return `The package is a copy of this program under the provider's name, an
rpcplugin.yaml, and the files. Everything is checked before anything is written.

  rpcplugin pack --provider acme/notes --version 0.1.0 provider.py lib \
    --exec python3 provider.py
  rpcplugin pack --provider acme/notes --version 0.1.0 --install DIR
  rpcplugin pack --provider acme/notes --as dev DIR
  rpcplugin pack --check dist

DIR has an rpcplugin.yaml. What no package needs (caches, virtual environments,
.git, state) is left out, and told. With --check, the exit status is 6 if there
are errors.`
}

// Run packs, or checks.
func (c *packCommand) Run(ctx context.Context, p *Program, g globals) error {
	if c.Check {
		return c.check(p, g)
	}
	if err := c.checkFlags(); err != nil {
		return err
	}
	out, err := c.out(p)
	if err != nil {
		return packError(err)
	}
	made, found, err := c.gather(out)
	if err != nil {
		return packError(err)
	}
	report := &packReport{Provider: made.Provider, Version: c.Version, Layout: c.As, Findings: found}
	if n := found.Errors(); n > 0 {
		if err := report.write(p, g, c.Output); err != nil {
			return err
		}
		return usagef("see docs/packaging.md for each of the findings", "nothing was packed: %s", counted(n, "error"))
	}
	ctx, release := interruptible(ctx, nil)
	defer release()
	output := pack.Output{Dir: out, Layout: pack.Layout(c.As), Force: c.Force}
	if c.As == "dev" {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		report.Made, err = output.Dev(made, program)
		if err != nil {
			return packError(err)
		}
	} else {
		progress := newPackProgress(p)
		output.Progress = progress.tell
		report.Made, err = output.Write(ctx, made)
		progress.end()
		if err != nil {
			return packError(err)
		}
	}
	if report.Next, err = c.next(made.Provider, out); err != nil {
		return err
	}
	return report.write(p, g, c.Output)
}

// checkFlags refuses flags that do not go together.
func (c *packCommand) checkFlags() error {
	const example = "for example rpcplugin pack --provider acme/notes --version 0.1.0 provider.py --exec python3 provider.py"
	switch {
	case len(c.Files) == 0:
		return usagef(example, "there are no files to pack")
	case c.Version == "" && c.As != "dev":
		return usagef("for example --version 0.1.0", "--version is missing")
	case c.Install && c.Out != "":
		return usagef("leave out one of the two", "--install and --out both name a folder")
	case c.Install && c.As != "mirror" && c.As != "packed":
		return usagef("the plugin folder is a mirror: leave --as out, or take --as packed", "--install does not go with --as %q", c.As)
	case c.As == "dev" && (c.Binaries != "" || len(c.Binary)+len(c.Platform) > 0):
		return usagef("leave out --platform, --binary and --binaries", "--as \"dev\" is for this machine alone")
	}
	return nil
}

// out is the folder to write to.
func (c *packCommand) out(p *Program) (string, error) {
	if c.Install {
		return pack.InstallDir(p.LookupEnv)
	}
	return cmp.Or(c.Out, "dist"), nil
}

// gather collects all that makes a package, and what there is to say of it.
func (c *packCommand) gather(out string) (*pack.Package, pack.Findings, error) {
	settings, err := c.readSettings()
	if err != nil {
		return nil, nil, err
	}
	address := cmp.Or(c.Provider, settings.provider)
	if address == "" {
		return nil, nil, usagef("for example --provider acme/notes", "--provider is missing")
	}
	made := &pack.Package{Version: c.Version, Binaries: make(pack.Binaries)}
	if made.Provider, err = pack.ParseProvider(address); err != nil {
		return nil, nil, err
	}
	found := made.Provider.Check()
	if c.Version != "" {
		found = append(found, pack.CheckVersion(c.Version)...)
	}
	if err := c.platforms(made); err != nil {
		return nil, nil, err
	}
	source := pack.Source{Paths: c.Files, Provider: made.Provider, Exclude: c.Exclude, Skip: out}
	contents, unpackable, err := source.Read()
	if err != nil {
		return nil, nil, err
	}
	made.Contents = contents
	if err := settings.complete(c, contents); err != nil {
		return nil, nil, err
	}
	made.Settings, made.Program = settings.text, settings.program
	if c.As == "dev" {
		if made.Settings, err = settings.absolute(contents); err != nil {
			return nil, nil, err
		}
	}
	found = slices.Concat(found, settings.found, unpackable, made.Check())
	if c.As == "dev" { // of which nothing leaves this machine
		found = slices.DeleteFunc(found, func(f pack.Finding) bool { return f.Severity != pack.SeverityError || f.Rule == pack.RuleSecret })
	}
	return made, found.Sorted(), nil
}

// platforms finds the binaries, and what to pack for.
func (c *packCommand) platforms(made *pack.Package) error {
	if c.Binaries != "" {
		if err := made.Binaries.AddFolder(c.Binaries); err != nil {
			return err
		}
	}
	for _, text := range c.Binary {
		name, file, _ := strings.Cut(text, "=")
		platform, err := pack.ParsePlatform(name)
		if err != nil || file == "" {
			return usagef("for example --binary darwin_arm64=rpcplugin-mac", "--binary is %q, expected OS_ARCH=FILE", text)
		}
		if err := made.Binaries.Add(platform, file); err != nil {
			return err
		}
	}
	for _, text := range c.Platform {
		platform, err := pack.ParsePlatform(text)
		if err != nil {
			return err
		}
		if !slices.Contains(made.Platforms, platform) {
			made.Platforms = append(made.Platforms, platform)
		}
	}
	here := pack.Here()
	if len(made.Platforms) == 0 {
		made.Platforms = made.Binaries.Platforms()
	}
	if len(made.Platforms) == 0 {
		made.Platforms = []pack.Platform{here}
	}
	if _, given := made.Binaries[here]; given || !slices.Contains(made.Platforms, here) {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return made.Binaries.Add(here, self)
}

// next is what to do with what was made.
func (c *packCommand) next(provider pack.Provider, out string) (string, error) {
	whole, err := filepath.Abs(out)
	if err != nil {
		return "", err
	}
	const file = "in the file that TF_CLI_CONFIG_FILE names, or in ~/.terraformrc"
	sums := "terraform-provider-" + provider.Type + "_" + c.Version + "_SHA256SUMS"
	switch {
	case c.Install:
		return "Terraform and OpenTofu look there by themselves.\n", nil
	case c.As == "dev":
		return "Terraform starts the source with this, without init:\n\n  " + packExport(filepath.Join(whole, pack.DevConfiguration)) + "\n", nil
	case c.As == "network":
		return "Serve the folder by https. Terraform finds it with this, " + file + ":\n\n" + pack.NetworkMirror(provider, "https://HOST/PATH/"), nil
	case c.As == "registry":
		return "Sign the checksums, and attach all files to a release with the tag v" + c.Version + ":\n\n  gpg --detach-sign " + shellWord(filepath.Join(out, sums), "'") + "\n", nil
	default:
		return "Terraform finds it with this, " + file + ":\n\n" + pack.FilesystemMirror(provider, whole), nil
	}
}

// packError is an error of the library as one of the command line.
func packError(err error) error {
	if failed, ok := errors.AsType[*pack.Error](err); ok && failed.Reason != pack.ReasonFiles {
		return &usageError{err: failed}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err: err, hint: "paths are those of files and folders here"}
	}
	return err
}
