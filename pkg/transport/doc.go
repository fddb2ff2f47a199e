// Package transport is the ground a host and a plugin meet on: endpoints, the
// sockets behind them, and the life of the files those sockets leave.
//
// An [Endpoint] is what the NETWORK and ADDRESS fields of a handshake line say.
// A [Transport] makes listeners for endpoints and connections to them; there
// are two, [Unix] and [TCP], and [Negotiate] chooses between them.
//
// # What is left behind
//
// A unix listener lives in a [PrivateDir], a directory of its own that nobody
// but its owner (and, if asked for, one group) can enter. It is removed when
// the [Listener] is closed. This package watches no signals: a program that
// wants its files gone on SIGTERM cancels its own context and closes the
// transport. What a SIGKILL leaves behind is found by [Sweep] at the next start.
//
// # Owners
//
// Whoever gets a [Listener], a [PrivateDir] or a connection closes it. Closing
// a [Transport] closes the listeners it made and ends the dials under way, but
// no connection that was already handed out. Nothing here starts a goroutine
// that outlives the call.
//
// # Errors
//
// Every error is an [*Error] with a [Reason] out of a closed set, and unwraps
// to its cause, so errors.Is finds context.Canceled, context.DeadlineExceeded,
// net.ErrClosed or a system error number.
//
// The rules come from the go-plugin contract: section 1 for the variables that
// become [UnixConfig] and [TCPConfig], section 2 for the two fields of the line,
// section 7 for the limit of socket paths, section 9 for who removes what.
package transport
