package handshake

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// EnvReattachProviders is the variable through which Terraform and OpenTofu
// learn of providers that already run; see [FormatReattachProviders].
const EnvReattachProviders = "TF_REATTACH_PROVIDERS"

// defaultReattachVersion is what hosts take a missing version for.
const defaultReattachVersion = 5

// Reattach describes a plugin that already runs, so that a host can attach to
// it. There is no TLS and no multiplexing then. See the go-plugin contract,
// section 4.
type Reattach struct {
	// Protocol is [ProtocolGRPC] or [ProtocolNetRPC]; hosts take an empty one
	// for net/rpc.
	Protocol string
	// ProtocolVersion is the app version; 0 is kept as 0 and means 5, see
	// [Reattach.Version].
	ProtocolVersion int
	// Pid is the plugin's process id; 0 means that it is not known, and hosts
	// then take the plugin for dead.
	Pid int
	// Network is [NetworkUnix] or [NetworkTCP].
	Network string
	// Address is the bare path of a socket, or host:port.
	Address string
	// Test keeps a host from killing the plugin. For Terraform it must be
	// true: with false it assumes version 5, and panics on a plugin of 6.
	Test bool
}

// Version returns the app version as hosts read it: ProtocolVersion, or 5 when
// that is 0.
func (r Reattach) Version() int {
	if r.ProtocolVersion == 0 {
		return defaultReattachVersion
	}
	return r.ProtocolVersion
}

// GoJSON writes the spelling of go-plugin's own type, with an address as Go's
// encoding/json writes a net.Addr. A TCP host must be an IP address, or empty.
//
// Errors are [*Error] with ReasonReattachValue or ReasonReattachAddress.
func (r Reattach) GoJSON() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	addr, fault := r.goAddr()
	if fault != nil {
		return nil, fault
	}
	return encode(struct {
		Protocol        string
		ProtocolVersion int
		Addr            any
		Pid             int
		Test            bool
	}{r.Protocol, r.ProtocolVersion, addr, r.Pid, r.Test})
}

// TerraformJSON writes the spelling of one entry of TF_REATTACH_PROVIDERS.
//
// Errors are [*Error] with ReasonReattachValue or ReasonReattachAddress.
func (r Reattach) TerraformJSON() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return encode(r.terraform())
}

// ParseReattach reads either spelling. Members it does not know are ignored.
//
// Errors are [*Error] with ReasonReattachSyntax, ReasonReattachValue or
// ReasonReattachAddress; the Reattach is then zero.
func ParseReattach(data []byte) (Reattach, error) {
	var in reattachJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return Reattach{}, badJSON("configuration", data, err)
	}
	r, fault := in.reattach()
	if fault != nil {
		if len(in.Addr) == 0 && looksLikeProviders(data) {
			fault.advice = "this is a map of providers, the value of " + EnvReattachProviders +
				": give the configuration of one of them"
		}
		return Reattach{}, fault
	}
	if err := r.check(); err != nil {
		return Reattach{}, err
	}
	return r, nil
}

// FormatReattachProviders writes the value of TF_REATTACH_PROVIDERS from
// configurations by provider address, such as
// "registry.terraform.io/acme/demo" (OpenTofu: "registry.opentofu.org/…"). The
// result is compact, with sorted keys.
//
// Errors are those of [Reattach.TerraformJSON], with the provider in Field.
func FormatReattachProviders(providers map[string]Reattach) (string, error) {
	out := make(map[string]terraformJSON, len(providers))
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		if err := providers[name].check(); err != nil {
			return "", forProvider(name, err)
		}
		out[name] = providers[name].terraform()
	}
	text, err := encode(out)
	return string(text), err
}

// ParseReattachProviders reads the value of TF_REATTACH_PROVIDERS; a blank one
// names no providers. Either spelling of an address is taken, though Terraform
// itself takes only its own.
//
// Errors are those of [ParseReattach], with the provider in Field; the map is
// then nil.
func ParseReattachProviders(text string) (map[string]Reattach, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, badJSON(EnvReattachProviders, []byte(text), err)
	}
	if len(raw["Addr"]) > 0 {
		e := badJSON(EnvReattachProviders, []byte(text), errOneOnly)
		e.advice = `this is the configuration of one plugin: write {"PROVIDER ADDRESS":` + "…} around it"
		return nil, e
	}
	providers := make(map[string]Reattach, len(raw))
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		r, err := ParseReattach(raw[name])
		if err != nil {
			return nil, forProvider(name, err)
		}
		providers[name] = r
	}
	return providers, nil
}

// forProvider names the provider in an error.
func forProvider(name string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return fmt.Errorf("provider %q: %w", name, err)
	}
	named := *e
	named.Field = quote(name) + ": " + e.Field
	return &named
}

var errOneOnly = errors.New("no map of providers")

// badJSON is the error for text that is no JSON, or JSON of another shape.
func badJSON(field string, data []byte, err error) *Error {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = errors.New("a JSON " + kind.Value)
		if kind.Field != "" {
			e := badMember(kind.Field, "", jsonKind(kind.Type.Kind()))
			e.Err = err
			return e
		}
	}
	e := &Error{
		Reason: ReasonReattachSyntax, Field: field, Found: shorten(string(data), maxFound),
		Expected: `a JSON object such as {"Protocol":"grpc","ProtocolVersion":6,"Pid":1,"Test":true,"Addr":{…}}`,
		Err:      err,
	}
	if field == EnvReattachProviders {
		e.Expected = `a JSON object such as {"registry.terraform.io/acme/demo":{"Protocol":"grpc",…}}`
	}
	return e
}

// jsonKind names what JSON has to hold for a Go value.
func jsonKind(kind reflect.Kind) string {
	switch kind {
	case reflect.Int:
		return "a whole number"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	default:
		return "an object"
	}
}
