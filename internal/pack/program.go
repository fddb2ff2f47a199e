package pack

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Program is what a package's settings start, as serve has read them.
type Program struct {
	// Exec is the command line.
	Exec []string
	// Dir is what ${dir} stood for when the settings were read.
	Dir string
	// Env are the variables for the program, NAME=VALUE.
	Env []string
	// Requirements and Wheels are the file of python-requirements and the folder of
	// python-wheels, "" without.
	Requirements, Wheels string
	// Versions are the protocol versions that it serves, such as 6.
	Versions []int
	// Native says that the program speaks go-plugin's protocol itself.
	Native bool
}

// inPackage returns the path in the package that a word of the settings means.
func (p Program) inPackage(word string) (string, bool) {
	if word == p.Dir {
		return ".", true
	}
	rest, found := strings.CutPrefix(filepath.ToSlash(word), filepath.ToSlash(p.Dir)+"/")
	return path.Clean(rest), found
}

// Check holds the program against the files of the package. missing tells why a
// file that there was is not among them.
func (p Program) Check(files []File, missing func(string) string, platforms []Platform) Findings {
	var found Findings
	if len(p.Exec) == 0 { // a built-in plugin
		return nil
	}
	found = append(found, p.checkCommand(files, missing, platforms)...)
	for i, word := range p.Exec[1:] {
		found = append(found, p.checkWord(word, files, missing)...)
		if word == "-m" && i+2 < len(p.Exec) {
			found = append(found, p.checkModule(p.Exec[i+2], files)...)
		}
	}
	for _, entry := range p.Env {
		_, value, _ := strings.Cut(entry, "=")
		for _, part := range filepath.SplitList(value) {
			found = append(found, p.checkPlace(part, files, missing)...)
		}
	}
	return append(append(found, p.checkRequirements(files)...), p.checkVersions()...)
}

// checkCommand looks at the first word.
func (p Program) checkCommand(files []File, missing func(string) string, platforms []Platform) Findings {
	var found Findings
	command := p.Exec[0]
	if name, inside := p.inPackage(command); inside {
		if found = p.checkPlace(command, files, missing); found != nil {
			return found
		}
		if file := find(files, name); file == nil || !file.Executable {
			found.add(SeverityError, RuleCommand, name, "it is not executable, expected the program that exec starts", "", "chmod +x "+name+", or name its interpreter: exec: [python3, \"${dir}/"+name+"\"]")
		}
		return found
	}
	switch {
	case filepath.IsAbs(command):
		return p.checkPlace(command, files, missing)
	case strings.ContainsAny(command, `/\`):
		found.add(SeverityError, RuleRelative, "", fmt.Sprintf("exec starts %q, a relative path", command), whyRelative, "write \"${dir}/"+path.Clean(filepath.ToSlash(command))+"\"")
	case find(files, command) != nil:
		found.add(SeverityError, RuleRelative, command, fmt.Sprintf("exec starts %q, which is looked for in PATH", command), "the package is not in the PATH of a provider", "write \"${dir}/"+command+"\"")
	default:
		if _, err := exec.LookPath(command); err != nil && slices.Contains(platforms, Here()) {
			found.add(SeverityWarning, RuleCommand, "", fmt.Sprintf("%q was not found in PATH", command), "it must be in the PATH of whoever runs Terraform", "correct it, or have it installed wherever the provider is used")
		}
	}
	return found
}

const whyRelative = "a provider's working directory is that of Terraform's user"

// checkWord looks at an argument, or what follows the = in one.
func (p Program) checkWord(word string, files []File, missing func(string) string) Findings {
	var found Findings
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "-") {
		word = value
	}
	if found = p.checkPlace(word, files, missing); found != nil || filepath.IsAbs(word) || word == "" {
		return found
	}
	clean := path.Clean(filepath.ToSlash(word))
	if strings.HasPrefix(word, "-") || clean == "." && word != "./" {
		return nil
	}
	if find(files, clean) != nil || strings.HasPrefix(word, "./") || strings.HasPrefix(word, "../") {
		found.add(SeverityError, RuleRelative, "", fmt.Sprintf("exec has %q, a relative path", word), whyRelative, "write \"${dir}/"+clean+"\"")
	}
	return found
}

// checkPlace looks at a value that may be a path: of the package, or of this machine.
func (p Program) checkPlace(value string, files []File, missing func(string) string) Findings {
	var found Findings
	if name, inside := p.inPackage(value); inside {
		switch {
		case name == "." || has(files, name):
		case strings.HasPrefix(name, "../"):
			found.add(SeverityError, RuleMissing, name, "it is outside of the package", "only the package is installed", "put it into the package")
		default:
			what := "the settings name it, and the package does not have it"
			if why := missing(name); why != "" {
				what += " (left out: " + why + ")"
			}
			found.add(SeverityError, RuleMissing, name, what, "", "add the file, or correct "+SettingsName)
		}
		return found
	}
	if !filepath.IsAbs(value) || everywhere(value) {
		return nil
	}
	if _, err := os.Stat(value); err == nil {
		found.add(SeverityWarning, RuleOnlyHere, "", fmt.Sprintf("the settings name %q", value), "this path is one of this machine", "name a command in PATH, or a file of the package: \"${dir}/…\"")
	} else {
		found.add(SeverityWarning, RuleOnlyHere, "", fmt.Sprintf("the settings name %q, which is not on this machine", value), "", "name a command in PATH, or a file of the package: \"${dir}/…\"")
	}
	return found
}

// everywhere reports whether a path is one that every machine of its kind has.
func everywhere(value string) bool {
	return value == "/" || slices.ContainsFunc([]string{"/bin", "/usr/bin", "/dev", "/tmp", "/etc"}, func(dir string) bool {
		return value == dir || filepath.Dir(value) == dir
	})
}

// checkModule looks at what follows python -m.
func (p Program) checkModule(module string, files []File) Findings {
	var found Findings
	name := strings.ReplaceAll(module, ".", "/")
	ours := has(files, name) || find(files, name+".py") != nil
	if ours && !slices.ContainsFunc(p.Env, func(entry string) bool { return strings.HasPrefix(entry, "PYTHONPATH=") }) {
		found.add(SeverityError, RuleRelative, "", fmt.Sprintf("exec has -m %s, a module that is looked for in the working directory", module), whyRelative,
			"add to "+SettingsName+": env: {PYTHONPATH: \"${dir}\"}")
	}
	return found
}

// checkRequirements looks at what a Python environment is made of.
func (p Program) checkRequirements(files []File) Findings {
	var found Findings
	for _, one := range []struct{ key, value, example string }{
		{"python-requirements", p.Requirements, "requirements.txt"}, {"python-wheels", p.Wheels, "wheels"},
	} {
		name, inside := p.inPackage(one.value)
		switch {
		case one.value == "":
		case !inside:
			found.add(SeverityError, RuleRequirements, "", fmt.Sprintf("%s is %q", one.key, one.value), "the package must bring it along; "+whyRelative, fmt.Sprintf("write %s: \"${dir}/%s\"", one.key, one.example))
		case !has(files, name):
			found.add(SeverityError, RuleRequirements, name, one.key+" names it, and the package does not have it", "", "add it")
		}
	}
	return found
}

func (p Program) checkVersions() Findings {
	var found Findings
	switch {
	case p.Native && len(p.Versions) == 0:
		found.add(SeverityNote, RuleProtocol, "", "a native program says itself which protocol it serves, 6 is taken here", "a registry's manifest names it", "for 5, write app-version: 5")
	case len(p.Versions) > 0 && len(p.protocols()) == 0:
		found.add(SeverityError, RuleProtocol, "", fmt.Sprintf("app-version is %v, expected 5 or 6", p.Versions), "Terraform and OpenTofu offer these two", "")
	}
	return found
}

// protocols are the versions for a registry's manifest.
func (p Program) protocols() []string {
	if len(p.Versions) == 0 {
		return []string{"6.0"}
	}
	var all []string
	for _, version := range p.Versions {
		if version == 5 || version == 6 {
			all = append(all, fmt.Sprintf("%d.0", version))
		}
	}
	slices.Sort(all)
	return all
}
