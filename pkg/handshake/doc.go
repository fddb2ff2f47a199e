// Package handshake speaks the first words between a host and a plugin of the
// go-plugin protocol: the environment a host sets, the magic cookie in it, the
// choice of an app version, the handshake line a plugin prints, and the two
// JSON spellings of a reattach configuration.
//
// "Host" is the program that launches, "plugin" the program launched. The
// package serves both roles. It is pure: no function reads a file, a socket or
// the process's environment (callers pass a lookup function such as
// [os.LookupEnv]), nothing is logged, and every function is safe for
// concurrent use. See the go-plugin contract, sections 1, 2 and 4.
//
// # Plugin side
//
//	err := cookie.Check(os.LookupEnv)                 // else print CookieText, exit 1
//	env, err := handshake.ReadEnv(os.LookupEnv)
//	version, _ := handshake.ChooseVersion(own, env.AppVersions)
//	line, err := handshake.Line{ … }.Format()         // print it and a newline
//
// # Host side
//
//	environ := append(handshake.StripEnv(os.Environ(), cookie.Key), env.Environ()...)
//	line, err := handshake.AcceptLine(first, handshake.Expectation{AppVersions: offered})
//
// # Looking into it
//
// [Judge] says what hosts of this module and of go-plugin make of a line, in
// go-plugin's own words; [ExplainLine] puts its fields into words, [Recognize]
// knows what was printed in its place, [CheckEnv] what is wrong with a host's
// variables, and [FindTopic] explains a field, a variable or a message.
//
// # Errors
//
// Every error is an [*Error]. It names the field, what was found there and
// what was expected; [Error.Hint] says what to do next. Decide by its
// [Reason], never by its text:
//
//	if e, ok := errors.AsType[*handshake.Error](err); ok && e.Reason == handshake.ReasonAppVersion { … }
package handshake
