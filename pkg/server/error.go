package server

import (
	"fmt"
)

// Reason says at which step a plugin failed. The set is closed.
type Reason string

// The reasons of an Error, in the order of the steps.
const (
	// ReasonConfig: the Config contradicts itself.
	ReasonConfig Reason = "config"
	// ReasonCookie: the host's cookie is missing or wrong.
	ReasonCookie Reason = "cookie"
	// ReasonEnvironment: a variable that the host set cannot be used.
	ReasonEnvironment Reason = "environment"
	// ReasonTLS: the host's certificate cannot be used, or none of ours made.
	ReasonTLS Reason = "tls"
	// ReasonNetwork: host and plugin have no network in common.
	ReasonNetwork Reason = "network"
	// ReasonListen: the socket or port cannot be opened.
	ReasonListen Reason = "listen"
	// ReasonRegister: the plugin's own services could not be set up.
	ReasonRegister Reason = "register"
	// ReasonCapture: os.Stdout and os.Stderr cannot be captured.
	ReasonCapture Reason = "capture"
	// ReasonLine: the handshake line cannot be written.
	ReasonLine Reason = "line"
	// ReasonServe: the gRPC server ended on its own.
	ReasonServe Reason = "serve"
	// ReasonNoHost: no host has connected within the IdleTimeout.
	ReasonNoHost Reason = "no host"
)

// Error is the error of New and Run. Its cause, where there is one, is the
// typed error of the package that found it.
type Error struct {
	// Reason is one of the Reason… constants.
	Reason Reason
	// Err is the cause.
	Err error
}

// Error says what failed and why.
func (e *Error) Error() string {
	switch e.Reason {
	case ReasonTLS:
		return fmt.Sprintf("cannot set up TLS with the host: %v", e.Err)
	case ReasonListen:
		return fmt.Sprintf("cannot listen for the host: %v", e.Err)
	case ReasonLine:
		return fmt.Sprintf("cannot write the handshake line: %v", e.Err)
	case ReasonServe:
		return fmt.Sprintf("the plugin's server ended: %v", e.Err)
	case ReasonConfig:
		return fmt.Sprintf("the plugin's configuration cannot be used: %v", e.Err)
	case ReasonCapture:
		return fmt.Sprintf("cannot capture os.Stdout and os.Stderr: %v", e.Err)
	case ReasonCookie, ReasonEnvironment, ReasonNetwork, ReasonRegister, ReasonNoHost:
		return e.Err.Error()
	default:
		return fmt.Sprintf("%s: %v", string(e.Reason), e.Err)
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it, where the cause does not.
func (e *Error) Hint() string {
	switch e.Reason {
	case ReasonCapture:
		return "one Server of a process captures at a time, and only while Run runs"
	case ReasonNoHost:
		return "the host that read the handshake line did not connect; raise IdleTimeout if hosts may come later"
	default:
		return ""
	}
}
