package handshake

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
)

// Cookie is the magic cookie: an environment variable that a host sets so that
// its plugins can tell being started by it from being started by a person. It
// is a courtesy, not a secret. See the go-plugin contract, section 1.
type Cookie struct {
	Key   string // name of the environment variable
	Value string // what the host sets it to
}

// IsZero reports whether no cookie is asked for.
func (c Cookie) IsZero() bool { return c == Cookie{} }

// Check looks the cookie up, with [os.LookupEnv] or the like, and compares it
// in constant time. The zero Cookie asks for nothing and passes; one with only
// a key or only a value never does.
//
// The error is an [*Error] with ReasonCookie that never repeats the value
// found. A plugin answers it with [CookieText] on stderr, nothing on stdout,
// and exit status 1.
func (c Cookie) Check(lookup func(string) (string, bool)) error {
	switch {
	case c.IsZero():
		return nil
	case c.Key == "":
		return c.misconfigured("key")
	case c.Value == "":
		return c.misconfigured("value")
	}
	e := &Error{
		Reason: ReasonCookie, Field: c.Key, Expected: "the value that the plugin's host sets", Err: errNotSet,
	}
	found, ok := lookup(c.Key)
	if !ok || found == "" {
		return e
	}
	// Digests have one length, so the comparison does not tell that of the value.
	want, got := sha256.Sum256([]byte(c.Value)), sha256.Sum256([]byte(found))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		e.Err = errOtherValue
		e.advice = "the variable holds the cookie of another host or another kind of plugin: check that " +
			"this plugin is made for the program that starts it"
		return e
	}
	return nil
}

// Causes of a refused cookie.
var (
	errNotSet     = errors.New("not set")
	errOtherValue = errors.New("set to another value")
	errHalfCookie = errors.New("not configured")
)

func (c Cookie) misconfigured(part string) *Error {
	return &Error{
		Reason: ReasonCookie, Field: "cookie " + part, Expected: "a key and a value, or neither",
		Err: errHalfCookie, advice: "set both in the plugin's own configuration; this is no fault of the host",
	}
}

// CookieText is what a plugin says on stderr to the person who started it
// without its host: that it is a plugin, who starts it, and how to try it by
// hand. The program is the command as typed, and the host the name of the
// program that uses the plugin ("Terraform"); both may be empty. The text is
// some lines, each ended by a newline.
func CookieText(c Cookie, program, host string) string {
	subject, command := program, program
	if program == "" {
		subject, command = "This program", "COMMAND"
	}
	starter := host
	if starter == "" {
		starter = "the program that uses it"
	}
	var b strings.Builder
	b.WriteString(subject + " is a plugin and does nothing useful on its own.\n")
	b.WriteString("You do not need to start it: " + starter + " does so whenever it needs the plugin.\n")
	if c.Key == "" || c.Value == "" {
		return b.String()
	}
	b.WriteString("\nTo try it by hand, set the variable by which it knows its host:\n\n")
	b.WriteString("    " + c.Key + "=" + shellWord(c.Value) + " " + command + "\n\n")
	b.WriteString("It then prints one line that says where it listens, and waits to be called.\nIf Ctrl-C does not end it, which it may leave to its host, kill does.\n")
	return b.String()
}

// shellWord quotes a value for a POSIX shell where it needs to be.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=+,%@"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
