package handshake

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// The variables a host sets for its plugin, beside the magic cookie. See the
// go-plugin contract, section 1.
const (
	EnvMinPort          = "PLUGIN_MIN_PORT"          // lowest TCP port to listen on
	EnvMaxPort          = "PLUGIN_MAX_PORT"          // highest TCP port to listen on
	EnvProtocolVersions = "PLUGIN_PROTOCOL_VERSIONS" // app versions, comma-separated
	EnvClientCert       = "PLUGIN_CLIENT_CERT"       // PEM of the host's certificate; asks for AutoMTLS
	EnvMultiplexGRPC    = "PLUGIN_MULTIPLEX_GRPC"    // a boolean; asks for field 7 of the line
	EnvUnixSocketDir    = "PLUGIN_UNIX_SOCKET_DIR"   // directory for sockets
	EnvUnixSocketGroup  = "PLUGIN_UNIX_SOCKET_GROUP" // group name or gid that may connect
	EnvTransports       = "PLUGIN_TRANSPORTS"        // networks the host takes, comma-separated
)

// The ports that hosts allow by default.
const (
	DefaultMinPort = 10000
	DefaultMaxPort = 25000
)

const (
	envPrefix = "PLUGIN_"
	maxPort   = 65535
)

// Env is what a host tells its plugin through the environment. The zero value
// is what a plugin finds that was started by hand.
type Env struct {
	// MinPort and MaxPort bound the TCP port, both included; 0 and 0 mean any
	// port. They say nothing to a plugin that listens on a unix socket.
	MinPort, MaxPort int
	// AppVersions are the versions offered, in the host's order, which is
	// random, without duplicates. Nil: none were offered.
	AppVersions []int
	// Skipped are the entries of the version list that are no numbers. A
	// plugin notes them on stderr and goes on.
	Skipped []string
	// ClientCert is the PEM of the host's certificate; not empty asks for
	// AutoMTLS.
	ClientCert string
	// MultiplexSet says that the variable is there and not empty: print field
	// 7. Multiplex says that it is true: one connection carries all.
	MultiplexSet, Multiplex bool
	// SocketDir is the directory for sockets; empty means the temporary
	// directory.
	SocketDir string
	// SocketGroup is the name or gid of the group that may connect; empty
	// means the owner alone.
	SocketGroup string
	// Transports are the networks the host takes, in its order, without
	// duplicates; nil means all.
	Transports []string
}

// ReadEnv reads a host's variables through a lookup function such as
// [os.LookupEnv]. A variable that is empty counts as not set, and a lowest port
// of 0 means any port.
//
// Errors are [*Error]: ReasonEnvPort for a port that is no number from 0 to
// 65535, ReasonEnvPortRange for a lowest port above the highest, which a
// lowest without a highest is. The Env is complete even then, but for its
// ports, so a plugin that does not listen on TCP may go on, as those of
// go-plugin do.
func ReadEnv(lookup func(string) (string, bool)) (Env, error) {
	get := func(key string) string {
		value, _ := lookup(key)
		return value
	}
	e := Env{
		ClientCert:  get(EnvClientCert),
		SocketDir:   get(EnvUnixSocketDir),
		SocketGroup: get(EnvUnixSocketGroup),
	}
	e.AppVersions, e.Skipped = readVersions(get(EnvProtocolVersions))
	if multiplex := get(EnvMultiplexGRPC); multiplex != "" {
		e.MultiplexSet = true
		yes, err := strconv.ParseBool(multiplex)
		e.Multiplex = err == nil && yes
	}
	for name := range strings.SplitSeq(get(EnvTransports), ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(e.Transports, name) {
			e.Transports = append(e.Transports, name)
		}
	}
	lowest, highest, err := readPorts(get(EnvMinPort), get(EnvMaxPort))
	if err != nil {
		return e, err
	}
	e.MinPort, e.MaxPort = lowest, highest
	return e, nil
}

// readVersions splits the list of versions and sorts out what is no number.
func readVersions(list string) (versions []int, skipped []string) {
	if list == "" {
		return nil, nil
	}
	seen := make(map[int]bool)
	for entry := range strings.SplitSeq(list, ",") {
		v, err := strconv.Atoi(strings.TrimSpace(entry))
		switch {
		case err != nil:
			skipped = append(skipped, entry)
		case !seen[v]:
			seen[v] = true
			versions = append(versions, v)
		}
	}
	return versions, skipped
}

func readPorts(lowText, highText string) (lowest, highest int, err error) {
	lowest, fault := readPort(EnvMinPort, lowText)
	if fault != nil {
		return 0, 0, fault
	}
	highest, fault = readPort(EnvMaxPort, highText)
	if fault != nil {
		return 0, 0, fault
	}
	if lowest > highest {
		e := &Error{
			Reason: ReasonEnvPortRange, Field: EnvMinPort, Found: lowText,
			Expected: "at most " + strconv.Quote(strconv.Itoa(highest)) + ", the value of " + EnvMaxPort,
		}
		if highText == "" {
			e.Expected = EnvMaxPort + " to be set, too"
			e.advice = "set both variables, or neither for any free port; hosts set 10000 and 25000"
		}
		return 0, 0, e
	}
	if lowest == 0 {
		highest = 0
	}
	return lowest, highest, nil
}

func readPort(key, text string) (int, *Error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n >= 0 && n <= maxPort {
		return n, nil
	}
	if err == nil {
		err = strconv.ErrRange
	}
	return 0, &Error{
		Reason: ReasonEnvPort, Field: key, Found: shorten(text, maxFound),
		Expected: "a port from 0 to 65535", Err: numberFault(err),
	}
}

// Environ returns what a host sets, as sorted KEY=VALUE entries. The two port
// variables are always there, 10000 and 25000 when both fields are 0, and 25000
// for a highest of 0 alone; the others only when they say something. Entries of Skipped are left out. The
// magic cookie is not part of it.
func (e Env) Environ() []string {
	lowest, highest := e.MinPort, e.MaxPort
	switch {
	case lowest == 0 && highest == 0:
		lowest, highest = DefaultMinPort, DefaultMaxPort
	case highest == 0:
		highest = max(lowest, DefaultMaxPort)
	}
	entries := []string{
		EnvMinPort + "=" + strconv.Itoa(lowest),
		EnvMaxPort + "=" + strconv.Itoa(highest),
	}
	versions := make([]string, len(e.AppVersions))
	for i, v := range e.AppVersions {
		versions[i] = strconv.Itoa(v)
	}
	multiplex := ""
	if e.MultiplexSet || e.Multiplex {
		multiplex = strconv.FormatBool(e.Multiplex)
	}
	for _, variable := range [...]struct{ key, value string }{
		{EnvProtocolVersions, strings.Join(versions, ",")},
		{EnvClientCert, e.ClientCert},
		{EnvMultiplexGRPC, multiplex},
		{EnvUnixSocketDir, e.SocketDir},
		{EnvUnixSocketGroup, e.SocketGroup},
		{EnvTransports, strings.Join(e.Transports, ",")},
	} {
		if variable.value != "" {
			entries = append(entries, variable.key+"="+variable.value)
		}
	}
	slices.Sort(entries)
	return entries
}

// StripEnv returns the environment without what a host left in it: every
// PLUGIN_* variable, those of this package and any other, and the magic cookie
// of the given key (empty: none). Inherited, they crash nested hosts. The rest
// keeps its order; the result is a new slice and the input stays as it is.
func StripEnv(environ []string, cookieKey string) []string {
	return stripEnv(environ, cookieKey, runtime.GOOS == "windows")
}

// stripEnv is StripEnv; on Windows the case of a name says nothing.
func stripEnv(environ []string, cookieKey string, foldCase bool) []string {
	fold := func(s string) string {
		if foldCase {
			return strings.ToUpper(s)
		}
		return s
	}
	cookieKey = fold(cookieKey)
	rest := make([]string, 0, len(environ))
	for _, entry := range environ {
		key, _, _ := strings.Cut(entry, "=")
		key = fold(key)
		if strings.HasPrefix(key, envPrefix) || key == cookieKey && key != "" {
			continue
		}
		rest = append(rest, entry)
	}
	return rest
}
