// Package pack makes of rpcplugin, its settings and a program's files what
// Terraform and OpenTofu discover as a provider: package directories, mirrors,
// archives for a registry. It also tells what they will make of a directory or
// an archive that is there already, and why.
//
// How a provider is discovered is go-plugin contract, section 6.
package pack

import (
	"fmt"
	"slices"
)

// SettingsName is the name of the settings file in every package.
const SettingsName = "rpcplugin.yaml"

// Reason is why a package was not made or not looked at.
type Reason int

// The reasons of an Error.
const (
	// ReasonArgument: a value is not of the form that it must have.
	ReasonArgument Reason = iota + 1
	// ReasonFindings: the checks have found errors.
	ReasonFindings
	// ReasonExists: what would be written is there already.
	ReasonExists
	// ReasonFiles: a file cannot be read or written.
	ReasonFiles
	// ReasonNoPackage: nothing that Terraform would take for a provider is there.
	ReasonNoPackage
)

// Error is what this package fails with.
type Error struct {
	Reason Reason
	Err    error
	// Advice is what to do next, "" if there is nothing to say.
	Advice string
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the advice.
func (e *Error) Hint() string { return e.Advice }

func failf(reason Reason, advice, format string, args ...any) error {
	return &Error{Reason: reason, Err: fmt.Errorf(format, args...), Advice: advice}
}

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	// SeverityError: no package is made of it; Terraform would refuse it, or it would fail there.
	SeverityError Severity = "error"
	// SeverityWarning: it works, but not everywhere or not for long.
	SeverityWarning Severity = "warning"
	// SeverityNote: what was done about it already.
	SeverityNote Severity = "note"
)

// Rule is what a finding is about.
type Rule string

// The rules: a closed set, documented in docs/packaging.md.
const (
	RuleProvider      Rule = "provider"       // the provider's address
	RuleVersion       Rule = "version"        // its version
	RulePlatform      Rule = "platform"       // a binary, or the lack of one
	RuleExecutable    Rule = "executable"     // which file Terraform starts
	RuleSettings      Rule = "settings"       // rpcplugin.yaml
	RuleProtocol      Rule = "protocol"       // version 5 or 6
	RuleCommand       Rule = "command"        // the program behind exec
	RuleRelative      Rule = "relative"       // a path that depends on the user's working directory
	RuleOnlyHere      Rule = "only-here"      // a path that exists on this machine
	RuleMissing       Rule = "missing"        // a file that exec names and the package lacks
	RuleRequirements  Rule = "requirements"   // python-requirements
	RulePycache       Rule = "pycache"        // compiled Python
	RuleLink          Rule = "link"           // symbolic links
	RuleEnvironment   Rule = "environment"    // a virtual environment
	RuleLeftOut       Rule = "left-out"       // files that no package needs
	RuleSecret        Rule = "secret"         // keys and passwords
	RuleUnreadable    Rule = "unreadable"     // files that cannot be read, or are none
	RuleFileName      Rule = "file-name"      // names that cannot be packed
	RuleSize          Rule = "size"           // what Terraform reads on each command
	RuleChecksum      Rule = "checksum"       // an archive that is not what the checksums say
	RuleZipDirectory  Rule = "zip-directory"  // a directory entry in an archive
	RuleZipExecutable Rule = "zip-executable" // an archive that has lost the mode of its files
)

// Finding is what a check has found.
type Finding struct {
	Severity Severity `json:"severity"`
	Rule     Rule     `json:"rule"`
	// Path is the file in the package that it is about, "" if it is about none.
	Path string `json:"path,omitempty"`
	// What is wrong, Why that matters, and what to Do about it.
	What string `json:"what"`
	Why  string `json:"why,omitempty"`
	Do   string `json:"do,omitempty"`
}

// Findings are those of one check.
type Findings []Finding

// Errors counts the findings that keep a package from being made.
func (f Findings) Errors() int {
	n := 0
	for _, finding := range f {
		if finding.Severity == SeverityError {
			n++
		}
	}
	return n
}

// Sorted puts errors first and notes last.
func (f Findings) Sorted() Findings {
	order := []Severity{SeverityError, SeverityWarning, SeverityNote}
	slices.SortStableFunc(f, func(a, b Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	return f
}

func (f *Findings) add(severity Severity, rule Rule, path, what, why, do string) {
	*f = append(*f, Finding{Severity: severity, Rule: rule, Path: path, What: what, Why: why, Do: do})
}
