package pack

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// junkKind is a kind of file that no package should have.
type junkKind struct {
	name, why string
	severity  Severity
	rule      Rule
	folders   []string // patterns of path.Match for names
	files     []string
}

// junkKinds lists what is left out.
func junkKinds() []junkKind {
	return []junkKind{
		{
			name: "pycache", rule: RulePycache, severity: SeverityNote, folders: []string{"__pycache__"}, files: []string{"*.pyc", "*.pyo"},
			why: "compiled Python; rpcplugin has it written to the user's cache, since a file more in the package breaks Terraform's lock file",
		},
		{
			name: "environment", rule: RuleEnvironment, severity: SeverityNote,
			why: "a virtual environment; it has links and absolute paths of this machine",
		},
		{
			name: "secret", rule: RuleSecret, severity: SeverityWarning, folders: []string{".ssh", ".gnupg", ".aws", ".kube"},
			files: []string{".env", ".env.*", ".netrc", ".npmrc", ".pypirc", ".envrc", ".pgpass", ".htpasswd", ".git-credentials", ".terraformrc", ".tofurc", "credentials.tfrc.json", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.tfvars", "*.tfvars.json", "*.tfstate", "*.tfstate.*"},
			why:   "files of this kind hold secrets",
		},
		{
			name: "junk", rule: RuleLeftOut, severity: SeverityNote,
			folders: []string{".git", ".hg", ".svn", ".terraform", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".idea", ".vscode"},
			files:   []string{".git", ".gitignore", ".gitattributes", ".DS_Store", ".terraform.lock.hcl", "*.swp", "*~"},
			why:     "no provider needs it",
		},
		{
			name: "bin-links", rule: RuleLink, severity: SeverityNote,
			why: "node_modules/.bin holds links for the command line",
		},
		{
			name: "program", rule: RuleExecutable, severity: SeverityNote,
			why: "a program or link under the provider's name; the package has its own",
		},
		{name: "earlier", rule: RuleLeftOut, severity: SeverityNote, why: "it was made by an earlier run"},
		{name: "excluded", rule: RuleLeftOut, severity: SeverityNote, why: "--exclude says so"},
	}
}

// junk tells of which kind of junk a path is, "" if of none. Here is where it is
// on the disk, "" if it is in an archive.
func junk(inside, here string, folder bool) string {
	base := path.Base(inside)
	if folder {
		if _, err := os.Stat(filepath.Join(here, "pyvenv.cfg")); err == nil && here != "" {
			return "environment"
		}
		if base == ".bin" && path.Base(path.Dir(inside)) == "node_modules" {
			return "bin-links"
		}
	}
	for _, kind := range junkKinds() {
		patterns := kind.files
		if folder {
			patterns = kind.folders
		}
		if slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, base); return ok }) {
			return kind.name
		}
	}
	return ""
}

// Sizes from which a package is worth a word: Terraform reads all of it for each
// of its commands.
const (
	largeBytes = 256 << 20
	manyFiles  = 5000
)

func checkSize(files []File) Findings {
	var found Findings
	var total int64
	largest := File{}
	for _, file := range files {
		total += file.Size
		if file.Size > largest.Size {
			largest = file
		}
	}
	const why = "Terraform reads every file of a package on each command, to hold it against the lock file"
	if total > largeBytes {
		found.add(SeverityWarning, RuleSize, largest.Name, fmt.Sprintf("the files are %d MiB together, this one is the largest with %d MiB", total>>20, largest.Size>>20), why, "leave out what the provider does not need: --exclude PATTERN")
	}
	if len(files) > manyFiles {
		found.add(SeverityWarning, RuleSize, "", fmt.Sprintf("there are %d files", len(files)), why, "leave out what the provider does not need: --exclude PATTERN")
	}
	return found
}

// secretLimit is how much of a file is searched for a private key: such files are small.
const secretLimit = 64 << 10

// checkSecrets looks for private keys, whatever the name of their file.
func checkSecrets(files []File) Findings {
	var found Findings
	for _, file := range files {
		ending := strings.ToLower(path.Ext(file.Name))
		switch ending {
		case ".p12", ".pfx", ".jks", ".keystore":
			found.add(SeverityWarning, RuleSecret, file.Name, "key stores hold private keys", "everybody who installs the provider can read it", "leave it out: --exclude "+file.Name)
			continue
		case ".pem", ".key", ".crt", ".cer", ".asc", ".ppk", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", "":
		default:
			continue
		}
		if file.Size > secretLimit {
			continue
		}
		data, err := file.Read(secretLimit)
		if err == nil && bytes.Contains(data, []byte("PRIVATE KEY")) && bytes.Contains(data, []byte("-----BEGIN ")) {
			found.add(SeverityError, RuleSecret, file.Name, "it holds a private key", "everybody who installs the provider can read it", "leave it out: --exclude "+file.Name)
		}
	}
	return found
}
