package bridge

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// ownPrefix marks the settings of the bridge, which are none of a child's.
const ownPrefix = "RPCPLUGIN_"

// childEnviron returns the environment of a plain child: what the host handed
// down is taken out, address and version are put in.
func childEnviron(cfg Config, at transport.Endpoint, version int) []string {
	environ := append(cleanEnviron(cfg),
		EnvChildAddress+"="+at.Target(),
		EnvChildAppVersion+"="+strconv.Itoa(version),
	)
	if at.Network == handshake.NetworkUnix {
		environ = append(environ, EnvChildSocket+"="+at.Address)
	}
	return append(environ, cfg.Env...)
}

// cleanEnviron returns what the environment of every child is made from: what
// the host handed down is taken out, and our settings are.
func cleanEnviron(cfg Config) []string {
	environ := handshake.StripEnv(cfg.Environ, cfg.Server.Cookie.Key)
	environ = slices.DeleteFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, ownPrefix) })
	environ = append(environ, "PYTHONUNBUFFERED=1")
	if setting := pythonCache(environ); setting != "" {
		environ = append(environ, setting)
	}
	return environ
}

// pythonCache keeps Python's compiled files out of the package directory,
// whose checksum hosts verify: in the user's cache directory, or nowhere if
// there is none. A directory that anybody can guess and write would let others
// plant code.
func pythonCache(environ []string) string {
	for _, entry := range environ {
		if value, found := strings.CutPrefix(entry, "PYTHONPYCACHEPREFIX="); found && value != "" {
			return ""
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "PYTHONDONTWRITEBYTECODE=1"
	}
	return "PYTHONPYCACHEPREFIX=" + filepath.Join(cache, "rpcplugin", "pycache")
}
