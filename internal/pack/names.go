package pack

import (
	"fmt"
	"path"
	"strings"
)

// checkFileNames looks for names that not every system, or not Terraform, keeps
// as they are.
func checkFileNames(files []File) Findings {
	var found Findings
	seen := make(map[string]string, len(files)) // by the name in lower case
	for _, file := range files {
		name, folded := file.Name, strings.ToLower(file.Name)
		other, twice := seen[folded]
		seen[folded] = name
		bad := func(severity Severity, what, why string) {
			found.add(severity, RuleFileName, name, what, why, "rename it")
		}
		switch {
		case twice && other == name:
			bad(SeverityError, "the name is there twice", "Terraform hashes both in the archive, and one when it is unpacked, and so the lock file fits only one of the two")
		case twice:
			bad(SeverityWarning, fmt.Sprintf("the name differs from %q only in its case", other), "on macOS and Windows one of them replaces the other, and the lock file fits no more")
		case path.IsAbs(name) || path.Clean(name) != name:
			bad(SeverityError, fmt.Sprintf("the name is %q, expected %q", name, strings.TrimPrefix(path.Clean(name), "/")), whyNames)
		case strings.Contains(name, `\`):
			bad(SeverityWarning, "the name has a backslash", "on Windows it ends the name of a folder")
		}
	}
	return found
}

const whyNames = "Terraform hashes the name in the archive, and another when it is unpacked, and so the lock file fits only one of the two"
