package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// DefaultHost is the registry host of an address that names none, as it is in
// Terraform; OpenTofu's is OpenTofuHost.
const (
	DefaultHost  = "registry.terraform.io"
	OpenTofuHost = "registry.opentofu.org"
)

// Provider is the address of a provider, as in required_providers.
type Provider struct {
	Host      string `json:"host"`
	Namespace string `json:"namespace"`
	Type      string `json:"type"`
}

// ParseProvider reads [HOST/]NAMESPACE/TYPE. Its parts are only checked by Check.
func ParseProvider(text string) (Provider, error) {
	const advice = "for example --provider acme/notes, or registry.example.com/acme/notes"
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, `\ `) {
			return Provider{}, failf(ReasonArgument, advice, "provider is %q, expected [HOST/]NAMESPACE/TYPE", text)
		}
	}
	switch len(parts) {
	case 2:
		return Provider{Host: DefaultHost, Namespace: parts[0], Type: parts[1]}, nil
	case 3:
		return Provider{Host: parts[0], Namespace: parts[1], Type: parts[2]}, nil
	default:
		return Provider{}, failf(ReasonArgument, advice, "provider is %q, expected [HOST/]NAMESPACE/TYPE", text)
	}
}

func (p Provider) String() string { return p.Host + "/" + p.Namespace + "/" + p.Type }

// prefix is how the names of the provider's executables and archives begin.
func (p Provider) prefix() string { return "terraform-provider-" + p.Type }

// executable is the name under which the program is packed.
func (p Provider) executable(version string, platform Platform) string {
	return p.prefix() + "_v" + version + platform.suffix()
}

// starts reports whether Terraform takes a file of that name for the provider:
// what follows the prefix is nothing, or begins with "_" or ".".
func (p Provider) starts(name string) bool {
	rest, found := strings.CutPrefix(name, p.prefix())
	return found && (rest == "" || rest[0] == '_' || rest[0] == '.')
}

// Check holds the address against the rules of Terraform.
func (p Provider) Check() Findings {
	var found Findings
	bad := func(what, why, do string) { found.add(SeverityError, RuleProvider, "", what, why, do) }
	part := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	const parts = "lower-case letters, digits, and single dashes between them"
	switch bare, prefixed := strings.CutPrefix(p.Type, "terraform-provider-"); {
	case prefixed:
		bad(fmt.Sprintf("type is %q", p.Type), "Terraform refuses types that begin with \"terraform-\"; repositories and executables are named so, addresses are not", fmt.Sprintf("name it %q", bare))
	case strings.HasPrefix(p.Type, "terraform-"):
		bad(fmt.Sprintf("type is %q", p.Type), "Terraform refuses types that begin with \"terraform-\"", fmt.Sprintf("name it %q", strings.TrimPrefix(p.Type, "terraform-")))
	case !part.MatchString(p.Type):
		bad(fmt.Sprintf("type is %q, expected %s", p.Type, parts), "Terraform takes no other names", nameLike(p.Type))
	case p.Type[0] >= '0' && p.Type[0] <= '9':
		found.add(SeverityWarning, RuleProvider, "", fmt.Sprintf("type is %q, which begins with a digit", p.Type),
			"names in Terraform's language begin with a letter: neither a resource type nor the provider's local name can be called so", nameLike(p.Type))
	}
	if !part.MatchString(p.Namespace) {
		bad(fmt.Sprintf("namespace is %q, expected %s", p.Namespace, parts), "Terraform takes no other names", nameLike(p.Namespace))
	}
	if !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]+)?$`).MatchString(p.Host) {
		bad(fmt.Sprintf("host is %q, expected a host name", p.Host), "the first of three parts is the host of a registry, whether there is one or not", "leave it out for "+DefaultHost+", or name one such as \"registry.example.com\"")
	}
	return found
}

// nameLike proposes a name that would do.
func nameLike(name string) string {
	dashed := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	if dashed = strings.TrimLeft(dashed, "0123456789-"); dashed == "" {
		return "for example \"notes\""
	}
	return fmt.Sprintf("for example %q", dashed)
}

// isVersion reports whether Terraform can read a version: whose numbers have 64 bits.
func isVersion(version string) bool {
	core, _, _ := strings.Cut(version, "+")
	core, _, _ = strings.Cut(core, "-")
	return semver.IsValid("v"+version) && !slices.ContainsFunc(strings.Split(core, "."), func(number string) bool {
		_, err := strconv.ParseUint(number, 10, 64)
		return err != nil
	})
}

// CheckVersion holds a version against semantic versioning, as Terraform does.
func CheckVersion(version string) Findings {
	var found Findings
	v := "v" + version
	switch {
	case strings.HasPrefix(version, "v") && semver.IsValid(version):
		found.add(SeverityError, RuleVersion, "", fmt.Sprintf("version is %q", version), "only names of executables and tags have the \"v\"", "write "+strings.TrimPrefix(version, "v"))
	case !isVersion(version):
		found.add(SeverityError, RuleVersion, "", fmt.Sprintf("version is %q, expected three numbers such as 0.1.0, or 0.1.0-beta1", version), "Terraform ignores packages whose version it cannot read", "")
	case semver.Canonical(v)+semver.Build(v) != v:
		found.add(SeverityWarning, RuleVersion, "", fmt.Sprintf("version is %q, with fewer than three numbers", version), "to Terraform it is "+strings.TrimPrefix(semver.Canonical(v), "v"), "write all three")
	case semver.Build(v) != "":
		found.add(SeverityWarning, RuleVersion, "", fmt.Sprintf("version is %q, with build metadata", version), "Terraform takes one only where a constraint names it whole", "leave out "+semver.Build(v))
	case semver.Prerelease(v) != "":
		found.add(SeverityWarning, RuleVersion, "", fmt.Sprintf("version is %q, a pre-release", version), "Terraform takes one only where a constraint names it exactly", fmt.Sprintf("tell users to write version = %q", version))
	}
	return found
}
