// Package event says what a log record is about, in words of three closed sets:
// its domain (what has to do with it), its action (what was done) and its result
// (how that went). Every record of this module has one of each, as the string
// attributes DomainKey, ActionKey and ResultKey, and hosts can filter by them.
//
//	logger.Debug("child accepts", event.OK(event.Child, event.Listen), "took", took)
//
// Table is all of them, with the emoji that stand for them on a terminal, see
// TextHandler. Names of attributes that several packages use are here, too.
package event

import "log/slog"

// Keys of attributes that mean the same wherever they come.
const (
	DomainKey = "domain"
	ActionKey = "action"
	ResultKey = "result"
	// PluginKey is the run of a plugin that a record belongs to, see InRun.
	PluginKey = "plugin_id"
)

// A Domain is a part of a plugin's life or of its surroundings.
type Domain string

// The domains.
const (
	Settings   Domain = "settings"   // flags, environment and files
	Python     Domain = "python"     // the virtual environment of a program
	Host       Domain = "host"       // the program that starts the plugin
	Plugin     Domain = "plugin"     // the program that a host starts
	Child      Domain = "child"      // the program behind a bridge, or a process as such
	Handshake  Domain = "handshake"  // environment, line and version
	TLS        Domain = "tls"        // certificates and handshakes of TLS
	Socket     Domain = "socket"     // what is listened at, and its files
	Connection Domain = "connection" // between any two of them
	Stream     Domain = "stream"     // one call's part of a connection
	Call       Domain = "call"       // a gRPC call
	Stdio      Domain = "stdio"      // the service that carries a plugin's output
	Broker     Domain = "broker"     // the service that offers further connections
)

// An Action is what was done, or what happened.
type Action string

// The actions.
const (
	Read    Action = "read"    // what somebody else has written
	Find    Action = "find"    // where something is
	Choose  Action = "choose"  // one of several possibilities
	Load    Action = "load"    // a certificate and its key
	Make    Action = "make"    // something that was not there
	Start   Action = "start"   // a process
	Guard   Action = "guard"   // a process, against being left behind
	Listen  Action = "listen"  // for connections
	Accept  Action = "accept"  // a connection
	Connect Action = "connect" // to somebody who listens
	Attach  Action = "attach"  // to a plugin that runs already
	Send    Action = "send"    // bytes
	Relay   Action = "relay"   // what comes from one side to the other
	Run     Action = "run"     // a process, from its start to its end
	Stop    Action = "stop"    // a process, or what it still does
	End     Action = "end"     // by itself, or by the other side
	Clean   Action = "clean"   // what is left
)

// A Result is how an action went.
type Result string

// The results; for each there is a function.
const (
	ResultOK      Result = "ok"
	ResultFailed  Result = "failed"
	ResultRetry   Result = "retry"
	ResultSkipped Result = "skipped"
	ResultTimeout Result = "timeout"
	ResultWait    Result = "wait"
)

// OK is the attributes of an action that is done.
func OK(domain Domain, action Action) slog.Attr { return of(domain, action, ResultOK) }

// Failed is the attributes of an action that did not succeed; the record's
// attribute "error" says why.
func Failed(domain Domain, action Action) slog.Attr { return of(domain, action, ResultFailed) }

// Tried is those of OK if err is nil, and else those of Failed.
func Tried(domain Domain, action Action, err error) slog.Attr {
	if err != nil {
		return Failed(domain, action)
	}
	return OK(domain, action)
}

// Retry is the attributes of an action that is tried once more.
func Retry(domain Domain, action Action) slog.Attr { return of(domain, action, ResultRetry) }

// Skipped is the attributes of an action that is left out.
func Skipped(domain Domain, action Action) slog.Attr { return of(domain, action, ResultSkipped) }

// TimedOut is the attributes of an action that took too long and is given up.
func TimedOut(domain Domain, action Action) slog.Attr { return of(domain, action, ResultTimeout) }

// Wait is the attributes of an action that is held up for now.
func Wait(domain Domain, action Action) slog.Attr { return of(domain, action, ResultWait) }

// of is the three attributes as one group without a name: slog's handlers write
// them as if they stood there by themselves.
func of(domain Domain, action Action, result Result) slog.Attr {
	return slog.Attr{Value: slog.GroupValue(
		slog.String(DomainKey, string(domain)),
		slog.String(ActionKey, string(action)),
		slog.String(ResultKey, string(result)),
	)}
}
