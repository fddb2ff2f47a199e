package handshake

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// What go-plugin's host says (v1.8.0), as formats of package fmt. They are the
// words that users search for.
const (
	saysUnrecognized = "Unrecognized remote plugin message: %s"
	saysNoLine       = "Failed to read any lines from plugin's stdout"
	saysTimeout      = "timeout while waiting for plugin to start"
	saysCoreNumber   = "error parsing core protocol version: %s"
	saysCoreVersion  = "incompatible core API version with plugin. Plugin version: %s, Core version: %d\n\n" +
		"To fix this, the plugin usually only needs to be recompiled.\nPlease report this to the plugin author"
	saysAppNumber    = "Error parsing protocol version %q: %s"
	saysAppVersion   = "incompatible API version with plugin. Plugin version: %d, Client versions: %d"
	saysNetwork      = "unknown address type: %s"
	saysProtocol     = "unsupported plugin protocol %q. Supported: %v"
	saysCertificate  = "error parsing server cert: %s"
	saysNoMultiplex  = "client requested gRPC broker multiplexing but plugin does not support the feature"
	saysOldMultiplex = saysNoMultiplex + "; for Go plugins, you will need to update the " +
		"github.com/hashicorp/go-plugin dependency and recompile"
	saysBadMultiplex = "error parsing %q as a boolean for gRPC broker multiplexing support"
	saysNilPointer   = "runtime error: invalid memory address or nil pointer dereference"
	saysNoTLS        = "tls: first record does not look like a TLS handshake"
	saysDialTCP      = "dial tcp %s: connect: connection refused"
	saysDialUnix     = "dial unix: missing address"
)

// Outcome is what becomes of a plugin under a host of go-plugin.
type Outcome string

// The outcomes.
const (
	OutcomeStarts  Outcome = "starts"  // the host takes the line
	OutcomeRefused Outcome = "refuses" // the host gives the plugin up
	OutcomeFails   Outcome = "fails"   // the host takes the line, and its first call fails
	OutcomeCrashes Outcome = "crashes" // the host itself ends
)

// goPlugin is what go-plugin's host makes of the first line of a text, and what
// it says: the whole error where it refuses, a piece of it where a call fails or
// the host crashes. Names are not resolved, and pass.
func goPlugin(text string, e Expectation, autoMTLS bool) (Outcome, string) {
	line, _, _ := strings.Cut(text, "\n")
	if len(line) >= MaxLineBytes {
		return OutcomeRefused, fmt.Sprintf(saysUnrecognized, "") + "\n" + saysNoLine
	}
	line = strings.TrimSpace(line)
	part := strings.Split(line, "|")
	if len(part) < minFields {
		return OutcomeRefused, fmt.Sprintf(saysUnrecognized, line)
	}
	protocol := ProtocolNetRPC
	if len(part) > minFields {
		protocol = part[4]
	}
	for _, refuse := range []func() string{
		func() string { return goPluginVersions(part[0], part[1], e) },
		func() string { return goPluginAddress(part[2], part[3]) },
		func() string { return goPluginProtocol(protocol, e) },
		func() string { return goPluginCertificate(part) },
	} {
		if says := refuse(); says != "" {
			return OutcomeRefused, says
		}
	}
	certified := len(part) > 5 && len(part[5]) > unusedText
	if certified && !autoMTLS {
		return OutcomeCrashes, saysNilPointer
	}
	if says := goPluginMultiplex(part, protocol, e); says != "" {
		return OutcomeRefused, says
	}
	if says := firstCall(part[2], part[3], autoMTLS && !certified); says != "" {
		return OutcomeFails, says
	}
	return OutcomeStarts, ""
}

func goPluginVersions(coreText, appText string, e Expectation) string {
	core, err := strconv.Atoi(coreText)
	switch {
	case err != nil:
		return fmt.Sprintf(saysCoreNumber, err)
	case core != CoreVersion:
		return fmt.Sprintf(saysCoreVersion, coreText, CoreVersion)
	}
	app, err := strconv.Atoi(appText)
	switch {
	case err != nil:
		return fmt.Sprintf(saysAppNumber, appText, err)
	case len(e.AppVersions) > 0 && !slices.Contains(e.AppVersions, app):
		return fmt.Sprintf(saysAppVersion, app, e.AppVersions)
	}
	return ""
}

func goPluginAddress(network, address string) string {
	switch {
	case network == NetworkUnix, network == NetworkTCP && address == "":
		return ""
	case network != NetworkTCP:
		return fmt.Sprintf(saysNetwork, address)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err.Error()
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 0 || n > maxPort) {
		return "address " + port + ": invalid port"
	}
	return ""
}

func goPluginProtocol(protocol string, e Expectation) string {
	allowed := e.Protocols
	if allowed == nil {
		allowed = []string{ProtocolGRPC}
	}
	if slices.Contains(allowed, protocol) {
		return ""
	}
	return fmt.Sprintf(saysProtocol, protocol, allowed)
}

// goPluginCertificate knows no padding.
func goPluginCertificate(part []string) string {
	if len(part) < 6 || len(part[5]) <= unusedText {
		return ""
	}
	der, err := base64.RawStdEncoding.DecodeString(part[5])
	if err == nil {
		_, err = x509.ParseCertificate(der)
	}
	if err == nil {
		return ""
	}
	return fmt.Sprintf(saysCertificate, err)
}

func goPluginMultiplex(part []string, protocol string, e Expectation) string {
	if !e.Multiplex || protocol != ProtocolGRPC {
		return ""
	}
	if len(part) < maxFields {
		return saysOldMultiplex
	}
	yes, err := strconv.ParseBool(part[6])
	switch {
	case err != nil:
		return fmt.Sprintf(saysBadMultiplex, part[6])
	case !yes:
		return saysNoMultiplex
	}
	return ""
}

// firstCall is a piece of what the first call ends with: inTheClear says that
// TLS was asked for and the line carries no certificate.
func firstCall(network, address string, inTheClear bool) string {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case network == NetworkUnix && address == "":
		return saysDialUnix
	case network == NetworkTCP && strings.Trim(port, "0") == "":
		return fmt.Sprintf(saysDialTCP, address)
	case inTheClear:
		return saysNoTLS
	}
	return ""
}
