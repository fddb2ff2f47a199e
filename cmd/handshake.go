package cmd

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// handshakeCommand is about the first words between host and plugin.
type handshakeCommand struct {
	Parse    parseCommand    `cmd:"" help:"Explain a handshake line, field by field."`
	Validate validateCommand `cmd:"" help:"Say whether hosts take a handshake line, and what they say if not."`
	Build    buildCommand    `cmd:"" help:"Make a handshake line."`
	Env      envCommand      `cmd:"" help:"Show what a host sets for its plugin, or check what is set."`
	Run      runCommand      `cmd:"" usage:"-- CMD ARGS…" help:"Start a plugin as a host does and look at its handshake."`
	Explain  explainCommand  `cmd:"" help:"Explain a field, a variable or an error message."`
}

// presetFlags say which host it is about.
type presetFlags struct {
	Host       string `placeholder:"NAME" help:"Host to be: ${hosts}."`
	AppVersion []int  `placeholder:"N,…" help:"App versions to offer; default: those of --host."`
	Multiplex  bool   `help:"Ask for multiplexed brokered connections."`
}

// known is the host of the flags. Its versions are those that were asked for.
func (f presetFlags) known() (knownHost, error) {
	host, err := findHost(f.Host)
	if err == nil {
		err = checkVersions(f.AppVersion)
	}
	if len(f.AppVersion) > 0 {
		host.versions = f.AppVersion
	}
	return host, err
}

// cookieFlag is a cookie in the place of a host's.
type cookieFlag struct {
	Cookie string `placeholder:"NAME=VALUE" help:"Magic cookie, for a host that --host does not know."`
}

func (f cookieFlag) of(host knownHost) (handshake.Cookie, error) {
	if f.Cookie == "" {
		return host.cookie, nil
	}
	return parseCookie(f.Cookie)
}

// environ is what the host sets, without its cookie. Without versions it offers
// 1, as connect does.
func (h knownHost) environ(multiplex bool, clientCert, socketDir string) handshake.Env {
	versions := h.versions
	if len(versions) == 0 {
		versions = []int{1}
	}
	return handshake.Env{
		AppVersions: versions, MultiplexSet: multiplex, Multiplex: multiplex,
		ClientCert: clientCert, SocketDir: socketDir,
	}
}

// cookieOwners are the hosts that use a cookie, for people.
func cookieOwners(key string) string {
	var titles []string
	for _, host := range knownHosts() {
		if host.cookie.Key == key && !slices.Contains(titles, host.title) {
			titles = append(titles, host.title)
		}
	}
	return cmp.Or(strings.Join(titles, " and "), "an unknown host")
}
