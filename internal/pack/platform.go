package pack

import (
	"runtime"
	"strings"
)

// Platform is an operating system and an architecture, as Go names them.
type Platform struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

// Here is the platform of this process.
func Here() Platform { return Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }

// ParsePlatform reads OS_ARCH.
func ParsePlatform(text string) (Platform, error) {
	system, arch, found := strings.Cut(text, "_")
	if !found || system == "" || arch == "" || strings.ContainsAny(text, "/\\. ") || strings.Contains(arch, "_") {
		return Platform{}, failf(ReasonArgument, "for example linux_amd64, darwin_arm64, windows_amd64", "platform is %q, expected OS_ARCH", text)
	}
	return Platform{OS: system, Arch: arch}, nil
}

func (p Platform) String() string { return p.OS + "_" + p.Arch }

// suffix is how the name of a program ends there.
func (p Platform) suffix() string {
	if p.OS == "windows" {
		return ".exe"
	}
	return ""
}
