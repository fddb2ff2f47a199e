//go:build !linux

package bridge

// socketHandle reaches a unix socket whose file was removed, which takes
// Linux: elsewhere there is none and the file stays until the end.
type socketHandle struct{}

func keepSocket(string) *socketHandle { return nil }

func (*socketHandle) address() string { return "" }

func (*socketHandle) close() {}
