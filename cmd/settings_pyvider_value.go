package cmd

import (
	"cmp"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// What pyvider-rpcplugin has where one of several names that belong together is
// not set.
const (
	pyviderCookieKey   = "PLUGIN_MAGIC_COOKIE"
	pyviderCookieValue = "test_cookie_value"
	pyviderRetries     = "3"
	pyviderRate        = "100"
)

// pyvider finds settings under the names of pyvider-rpcplugin: at level 0 in the
// environment, at the others in a file each.
type pyvider struct {
	command string
	table   []pyviderName
	levels  []map[string]pyviderValue // by name
}

// pyviderValue is what a name was given.
type pyviderValue struct {
	text   string
	origin string
	bad    error // what else it is
}

// newPyvider returns nil if none of the names is there.
func newPyvider(command string, env environment, files []*settingsFile) *pyvider {
	if command != "serve" && command != "connect" {
		return nil
	}
	hosted := command == "serve"
	if env.lookup != nil && !hosted { // a plugin that is a host, too, hands down what its own host sent
		_, hosted = env.lookup(handshake.EnvMinPort)
	}
	y := &pyvider{command: command, table: pyviderTable(), levels: make([]map[string]pyviderValue, len(files)+1)}
	count := 0
	for _, row := range y.table {
		if env.lookup != nil && (!row.host || !hosted) {
			if text, _ := env.lookup(row.name); text != "" {
				y.put(0, row.name, pyviderValue{text: text, origin: row.name})
				count++
			}
		}
		for i, file := range files {
			if node := file.values[row.name]; node != nil {
				texts, err := file.texts(node, kindList)
				y.put(i+1, row.name, pyviderValue{
					text: strings.Join(texts, ","), bad: err,
					origin: fmt.Sprintf("%s:%d (%s)", file.path, node.Line, row.name),
				})
				count++
			}
		}
	}
	if count == 0 {
		return nil
	}
	return y
}

func (y *pyvider) put(level int, name string, value pyviderValue) {
	if y.levels[level] == nil {
		y.levels[level] = make(map[string]pyviderValue)
	}
	y.levels[level][name] = value
}

// find returns the value of a flag if one of its names is there at a level. The
// names that belong together may be at different ones.
func (y *pyvider) find(flag *kong.Flag, level int) (found, error) {
	if y == nil || len(y.levels[level]) == 0 {
		return found{}, nil
	}
	for _, row := range y.table {
		given, is := y.levels[level][row.name]
		if !is || row.setting(y.command) != flag.Name {
			continue
		}
		text, err := y.value(flag.Name, row)
		if err != nil || text == "" {
			return found{}, err
		}
		value := any(text)
		if kindOf(flag) == kindCookie && !kindCookie.fits(text, nil) {
			return found{}, given.refuse("a text that is not empty")
		}
		return found{value, given.origin}, checkValue(flag, given.origin+" is", value)
	}
	return found{}, nil
}

// value is that of one of our settings, "" if the names leave it as it is. row is
// one of those that are there.
func (y *pyvider) value(setting string, row pyviderName) (string, error) {
	r := &pyviderReader{y: y}
	text := ""
	switch setting {
	case "cookie":
		text = cmp.Or(r.get("PLUGIN_MAGIC_COOKIE_KEY"), pyviderCookieKey) + "=" + cmp.Or(r.get("PLUGIN_MAGIC_COOKIE_VALUE"), pyviderCookieValue)
	case "tls":
		text = r.tls()
	case "cert", "key", "ca", "client-ca":
		text = r.certificates()[setting]
	case "listen":
		text = r.address()
	case "retries":
		if text = cmp.Or(r.get("PLUGIN_CLIENT_MAX_RETRIES"), pyviderRetries); r.get("PLUGIN_CLIENT_RETRY_ENABLED") == "false" {
			text = "0"
		}
	case "rate-limit":
		switch r.get("PLUGIN_RATE_LIMIT_ENABLED") {
		case "true":
			text = cmp.Or(r.get("PLUGIN_RATE_LIMIT_REQUESTS_PER_SECOND"), pyviderRate)
		case "false":
			text = "0"
		}
	case "rate-burst":
		if r.get("PLUGIN_RATE_LIMIT_ENABLED") == "true" {
			text = r.get(row.name)
		}
	default:
		text = r.get(row.name)
	}
	return text, r.err
}

// pyviderReader reads names that belong together; err is the first bad value.
type pyviderReader struct {
	y   *pyvider
	err error
}

// get is the value of a name as our settings have it, "" if it is nowhere.
func (r *pyviderReader) get(name string) string {
	for _, level := range r.y.levels {
		given, is := level[name]
		if !is {
			continue
		}
		for _, row := range r.y.table {
			if row.name != name {
				continue
			}
			text, err := given.convert(row.form)
			if err != nil && r.err == nil {
				r.err = err
			}
			return text
		}
	}
	return ""
}

// tls is off where AutoMTLS is not wanted and there are no certificates.
func (r *pyviderReader) tls() string {
	switch auto := r.get("PLUGIN_AUTO_MTLS"); {
	case len(r.certificates()) > 0:
		return "files"
	case r.get("PLUGIN_INSECURE") == "true", auto == "false":
		return "off"
	case auto == "true":
		return "auto"
	default:
		return ""
	}
}

// certificates are the files by our settings, none if they do not suffice.
func (r *pyviderReader) certificates() map[string]string {
	if r.y.command == "serve" {
		cert, key := r.get("PLUGIN_SERVER_CERT"), r.get("PLUGIN_SERVER_KEY")
		if cert == "" && key == "" {
			return nil
		}
		return map[string]string{"cert": cert, "key": key, "client-ca": r.get("PLUGIN_CLIENT_ROOT_CERTS")}
	}
	cert := cmp.Or(r.get("PLUGIN_CLIENT_CERT"), r.get("PLUGIN_CLIENT_CERT_FILE"))
	key := cmp.Or(r.get("PLUGIN_CLIENT_KEY"), r.get("PLUGIN_CLIENT_KEY_FILE"))
	ca := cmp.Or(r.get("PLUGIN_SERVER_ROOT_CERTS"), r.get("PLUGIN_CA_CERT"))
	manual := cert != "" && key != "" || r.get("PLUGIN_AUTO_MTLS") == "false"
	if ca == "" || !manual || r.get("PLUGIN_INSECURE") == "true" {
		return nil
	}
	return map[string]string{"cert": cert, "key": key, "ca": ca}
}

// address is where to listen: a socket, or with tcp alone host and port.
func (r *pyviderReader) address() string {
	path := r.get("PLUGIN_SERVER_UNIX_SOCKET_PATH")
	host, port := r.get("PLUGIN_SERVER_HOST"), r.get("PLUGIN_SERVER_PORT")
	switch tcp := r.get("PLUGIN_SERVER_TRANSPORTS") == "tcp"; {
	case !tcp && filepath.IsAbs(path): // after "unix:" it would be percent-decoded
		return path
	case !tcp && path != "":
		return "unix:" + path
	case tcp && (host != "" || port != ""):
		return net.JoinHostPort(cmp.Or(host, "localhost"), cmp.Or(port, "0"))
	default:
		return ""
	}
}
