package cmd

import (
	"context"
	"encoding/json"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// The exit codes: a promise to scripts. Codes are only ever added. Where more
// than one applies, the first of this order is taken: interrupted, usage (of a
// provider: start), cookie (as go-plugin has it), start or its TLS, timeout, call.
const (
	exitOK          = 0
	exitInternal    = 1 // also: the cookie is missing, as with every go-plugin plugin
	exitUsage       = 2
	exitStart       = 3 // the plugin did not start or its handshake was refused
	exitTLS         = 4
	exitTimeout     = 5
	exitLimit       = 6  // a --fail-if holds, or pack --check has found errors
	exitNotDue      = 7  // the answer no of "cert needs-renewal"
	exitStatus      = 64 // plus the gRPC status code of a call
	exitInterrupted = 130
)

// exitHelp is the table for users.
const exitHelp = `Exit status:
  0     all is well
  1     a fault of rpcplugin itself, or a plugin started without its cookie
  2     a mistake on the command line or in the settings
  3     the plugin did not start, or its handshake was refused
  4     TLS or a certificate
  5     --timeout ran out
  6     a --fail-if of bench holds, or pack --check has found errors
  7     "cert needs-renewal": not yet
  64+n  the call ended with gRPC status n
  130   interrupted`

// usageError is a mistake on the command line or in the settings.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return e.hint }

// startError is a plugin that could not be started, found before any package
// was asked to.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// callError is a call that ended with a gRPC status.
type callError struct {
	method  string
	status  *status.Status
	details []json.RawMessage // of the status, if they were looked at
	death   *pluginDeath      // nil while the plugin is alive
	hint    string
}

func (e *callError) Error() string {
	text := e.method + ": " + e.status.Code().String() + ": " + e.status.Message()
	for _, detail := range e.details {
		text += "\ndetail: " + string(detail)
	}
	return text
}

// Hint says how the plugin died, if it did, or where its methods are listed.
func (e *callError) Hint() string {
	if e.hint == "" && e.status.Code() == codes.Unimplemented {
		return "the plugin does not serve this; \"connect list\" shows what it serves"
	}
	return e.hint
}

// errInterrupted is Ctrl-C.
var errInterrupted = errors.New("interrupted")

// exitCode maps an error to the table above.
func exitCode(err error) int {
	var (
		usage    *usageError
		start    *startError
		call     *callError
		plugin   *client.Error
		limit    *limitError
		checked  *packFindings
		served   *server.Error
		bridged  *bridge.Error
		timedOut = errors.Is(err, context.DeadlineExceeded)
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errNotDue):
		return exitNotDue
	case errors.As(err, &limit), errors.As(err, &checked):
		return exitLimit
	case errors.As(err, &start):
		return exitStart
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &served):
		return servedCode(served)
	case errors.As(err, &plugin):
		if plugin.Reason == client.ReasonTLS {
			return exitTLS
		}
		return exitStart
	case errors.As(err, &bridged):
		if bridged.Accepted {
			return exitInternal
		}
		return exitStart
	case isCertificates(err):
		return certificateCode(err)
	case errors.As(err, &call):
		return exitStatus + int(call.status.Code())
	case timedOut:
		return exitTimeout
	default:
		return exitInternal
	}
}

func servedCode(err *server.Error) int {
	switch err.Reason {
	case server.ReasonCookie, server.ReasonServe:
		return exitInternal
	case server.ReasonConfig:
		return exitUsage
	case server.ReasonTLS:
		return exitTLS
	case server.ReasonEnvironment, server.ReasonNetwork, server.ReasonListen, server.ReasonRegister, server.ReasonLine, server.ReasonNoHost:
		return exitStart
	default:
		return exitInternal
	}
}
