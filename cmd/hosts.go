package cmd

import (
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// knownHost is what a host program has fixed for its plugins (go-plugin
// contract, section 8).
type knownHost struct {
	name      string
	title     string // for people
	cookie    handshake.Cookie
	versions  []int    // offered by the host
	served    int      // what a plugin serves unless told otherwise; 0: the host's highest
	noTLS     bool     // does not ask for AutoMTLS
	variables []string // KEY=VALUE, what else its plugins want to start
	revives   bool     // starts a plugin again that has ended
}

// knownHosts lists the presets of --host.
func knownHosts() []knownHost {
	terraform := handshake.Cookie{
		Key:   "TF_PLUGIN_MAGIC_COOKIE",
		Value: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
	}
	// Without the first a plugin made with Vault's SDK wants a token, with which it
	// asks Vault for its certificate.
	vault := []string{"VAULT_PLUGIN_AUTOMTLS_ENABLED=true", "VAULT_PLUGIN_METADATA_MODE=false", "VAULT_VERSION=1.21.4"}
	return []knownHost{
		{name: "terraform", title: "Terraform", cookie: terraform, versions: []int{5, 6}, served: 6},
		{name: "opentofu", title: "OpenTofu", cookie: terraform, versions: []int{5, 6}, served: 6},
		{name: "tflint", title: "TFLint", cookie: handshake.Cookie{Key: "TFLINT_RULESET_PLUGIN", Value: "5adSn1bX8nrDfgBqiAqqEkC6OE1h3iD8SqbMc5UUONx8x3xCF0KlPDsBRNDjoYDP"}, versions: []int{11}, noTLS: true},
		{name: "vault", title: "Vault", cookie: handshake.Cookie{Key: "VAULT_BACKEND_PLUGIN", Value: "6669da05-b1c8-4f49-97d9-c8e5bed98e20"}, versions: []int{3, 4, 5}, variables: vault, revives: true},
		{name: "vault-database", title: "Vault", cookie: handshake.Cookie{Key: "VAULT_DATABASE_PLUGIN", Value: "926a0820-aea2-be28-51d6-83cdf00e8edb"}, versions: []int{5, 6}, variables: vault, revives: true},
		{name: "nomad", title: "Nomad", cookie: handshake.Cookie{Key: "NOMAD_PLUGIN_MAGIC_COOKIE", Value: "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255"}, versions: []int{2}, noTLS: true, revives: true},
		{name: "velero", title: "Velero", cookie: handshake.Cookie{Key: "VELERO_PLUGIN", Value: "hello"}, versions: []int{2}, noTLS: true},
		{name: "kv", title: "go-plugin's key-value example", cookie: kv.Cookie(), versions: []int{1}, noTLS: true},
	}
}

// serves are the app versions of a plugin that was not told its own; none leaves
// it to the host. A native program says itself which of the host's it has.
func (h knownHost) serves(child string, standalone bool) []int {
	switch {
	case child == "native" && standalone:
		return h.versions
	case child == "native":
		return nil
	case h.served != 0:
		return []int{h.served}
	case standalone && len(h.versions) > 0:
		return []int{slices.Max(h.versions)}
	}
	return nil
}

// hostNames lists the presets for messages.
func hostNames() string {
	var names []string
	for _, host := range knownHosts() {
		names = append(names, host.name)
	}
	return strings.Join(names, ", ")
}

// findHost returns the preset of a name; "" is the empty preset.
func findHost(name string) (knownHost, error) {
	if name == "" {
		return knownHost{}, nil
	}
	hosts := knownHosts()
	i := slices.IndexFunc(hosts, func(h knownHost) bool { return h.name == name })
	if i < 0 {
		return knownHost{}, usagef("one of "+hostNames()+"; any other host is described with --cookie and --app-version",
			"--host %q is not known", name)
	}
	return hosts[i], nil
}

// parseCookie reads NAME=VALUE.
func parseCookie(text string) (handshake.Cookie, error) {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" || value == "" {
		// The value is a secret of sorts: it is not repeated.
		return handshake.Cookie{}, usagef("for example --cookie BASIC_PLUGIN=hello", "--cookie is not of the form NAME=VALUE")
	}
	return handshake.Cookie{Key: key, Value: value}, nil
}
