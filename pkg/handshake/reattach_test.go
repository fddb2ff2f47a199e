package handshake_test

import (
	"encoding/json"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func unixReattach() handshake.Reattach {
	return handshake.Reattach{Protocol: "grpc", ProtocolVersion: 6, Pid: 1234, Network: "unix", Address: "/tmp/s&<ü>", Test: true}
}

func tcpReattach(address string) handshake.Reattach {
	r := unixReattach()
	r.Network, r.Address = "tcp", address
	return r
}

func TestReattachSpellings(t *testing.T) {
	tests := []struct {
		name                  string
		in                    handshake.Reattach
		goJSON, terraformJSON string
	}{
		{
			"unix", unixReattach(),
			`{"Protocol":"grpc","ProtocolVersion":6,"Addr":{"Name":"/tmp/s&<ü>","Net":"unix"},"Pid":1234,"Test":true}`,
			`{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"unix","String":"/tmp/s&<ü>"}}`,
		},
		{
			"tcp", tcpReattach("127.0.0.1:10000"),
			`{"Protocol":"grpc","ProtocolVersion":6,"Addr":{"IP":"127.0.0.1","Port":10000,"Zone":""},"Pid":1234,"Test":true}`,
			`{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"tcp","String":"127.0.0.1:10000"}}`,
		},
		{
			"tcp with a zone", tcpReattach("[fe80::1%eth0]:1"),
			`{"Protocol":"grpc","ProtocolVersion":6,"Addr":{"IP":"fe80::1","Port":1,"Zone":"eth0"},"Pid":1234,"Test":true}`,
			`{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"tcp","String":"[fe80::1%eth0]:1"}}`,
		},
		{
			"tcp without a host", tcpReattach(":1"),
			`{"Protocol":"grpc","ProtocolVersion":6,"Addr":{"IP":"","Port":1,"Zone":""},"Pid":1234,"Test":true}`,
			`{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"tcp","String":":1"}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for want, write := range map[string]func() ([]byte, error){
				tt.goJSON: tt.in.GoJSON, tt.terraformJSON: tt.in.TerraformJSON,
			} {
				text, err := write()
				if err != nil || string(text) != want {
					t.Fatalf("got %s, %v\nwant %s", text, err, want)
				}
				back, err := handshake.ParseReattach(text)
				if err != nil || back != tt.in {
					t.Errorf("read back %+v, %v\nwant %+v", back, err, tt.in)
				}
			}
		})
	}
}

// The Go spelling is the one encoding/json gives to addresses of package net.
func TestGoJSONIsWhatGoWrites(t *testing.T) {
	for _, tt := range []struct {
		in   handshake.Reattach
		addr net.Addr
	}{
		{unixReattach(), &net.UnixAddr{Name: "/tmp/s&<ü>", Net: "unix"}},
		{tcpReattach("127.0.0.1:10000"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10000}},
		{tcpReattach("[fe80::1%eth0]:10000"), &net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 10000, Zone: "eth0"}},
		{tcpReattach(":10000"), &net.TCPAddr{Port: 10000}},
	} {
		ours, err := tt.in.GoJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Addr any }
		if err := json.Unmarshal(ours, &got); err != nil {
			t.Fatal(err)
		}
		theirs, err := json.Marshal(tt.addr)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(theirs, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Addr, want) {
			t.Errorf("got %s, Go writes %s", ours, theirs)
		}
	}
}

func TestReattachVersion(t *testing.T) {
	r, err := handshake.ParseReattach([]byte(`{"Protocol":"grpc","Addr":{"Network":"unix","String":"/x"}}`))
	if err != nil || r.ProtocolVersion != 0 || r.Version() != 5 {
		t.Errorf("got %+v, version %d, %v; want 0 kept and 5 meant", r, r.Version(), err)
	}
	if v := unixReattach().Version(); v != 6 {
		t.Errorf("got version %d, want 6", v)
	}
}

func TestParseReattachErrors(t *testing.T) {
	tests := []struct {
		name, text string
		reason     handshake.Reason
		hint       string
	}{
		{"empty", ``, handshake.ReasonReattachSyntax, "quotes"},
		{"quoted for a shell", `'{}'`, handshake.ReasonReattachSyntax, "quotes"},
		{"an array", `[]`, handshake.ReasonReattachSyntax, ""},
		{"text after", `{} {}`, handshake.ReasonReattachSyntax, ""},
		{"null", `null`, handshake.ReasonReattachAddress, ""},
		{"no address", `{"Protocol":"grpc"}`, handshake.ReasonReattachAddress, "String"},
		{"address null", `{"Protocol":"grpc","Addr":null}`, handshake.ReasonReattachAddress, ""},
		{"address a string", `{"Addr":"/x"}`, handshake.ReasonReattachAddress, ""},
		{"address of no spelling", `{"Addr":{}}`, handshake.ReasonReattachAddress, ""},
		{"half a spelling", `{"Addr":{"Network":"unix"}}`, handshake.ReasonReattachAddress, ""},
		{"two spellings", `{"Addr":{"Network":"unix","String":"/x","Name":"/x","Net":"unix"}}`, handshake.ReasonReattachAddress, ""},
		{"port a string", `{"Addr":{"IP":"127.0.0.1","Port":"1"}}`, handshake.ReasonReattachAddress, ""},
		{"unknown network", `{"Addr":{"Network":"udp","String":"x"}}`, handshake.ReasonReattachAddress, ""},
		{"empty path", `{"Addr":{"Network":"unix","String":""}}`, handshake.ReasonReattachAddress, ""},
		{"no port", `{"Addr":{"Network":"tcp","String":"127.0.0.1"}}`, handshake.ReasonReattachAddress, "listener"},
		{"IP a name", `{"Addr":{"IP":"localhost","Port":1}}`, handshake.ReasonReattachAddress, ""},
		{"port too high", `{"Addr":{"IP":"127.0.0.1","Port":65536}}`, handshake.ReasonReattachAddress, ""},
		{"version a string", `{"ProtocolVersion":"6"}`, handshake.ReasonReattachValue, ""},
		{"version negative", `{"ProtocolVersion":-1,"Addr":{"Network":"unix","String":"/x"}}`, handshake.ReasonReattachValue, ""},
		{"pid negative", `{"Pid":-1,"Addr":{"Network":"unix","String":"/x"}}`, handshake.ReasonReattachValue, ""},
		{"unknown protocol", `{"Protocol":"soap","Addr":{"Network":"unix","String":"/x"}}`, handshake.ReasonReattachValue, ""},
		{"a map of providers", `{"a/b/c":{"Protocol":"grpc","Addr":{"Network":"unix","String":"/x"}}}`, handshake.ReasonReattachAddress, "map of providers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := handshake.ParseReattach([]byte(tt.text))
			var e *handshake.Error
			if !errors.As(err, &e) || e.Reason != tt.reason || r != (handshake.Reattach{}) {
				t.Fatalf("got %+v, %v; want reason %s", r, err, tt.reason)
			}
			if !strings.Contains(e.Hint(), tt.hint) || e.Expected == "" {
				t.Errorf("hint %q lacks %q", e.Hint(), tt.hint)
			}
			if strings.Contains(e.Error(), "Go struct") || strings.Contains(e.Error(), "reattachJSON") {
				t.Errorf("%v names things of the code", e)
			}
		})
	}
}

func TestReattachWriteErrors(t *testing.T) {
	tests := []struct {
		name   string
		change func(*handshake.Reattach)
		reason handshake.Reason
		goOnly bool
	}{
		{"no network", func(r *handshake.Reattach) { r.Network = "" }, handshake.ReasonReattachAddress, false},
		{"no address", func(r *handshake.Reattach) { r.Address = "" }, handshake.ReasonReattachAddress, false},
		{"no UTF-8", func(r *handshake.Reattach) { r.Address = "/\xff" }, handshake.ReasonReattachAddress, false},
		{"no port", func(r *handshake.Reattach) { r.Network, r.Address = "tcp", "127.0.0.1" }, handshake.ReasonReattachAddress, false},
		{"host name", func(r *handshake.Reattach) { r.Network, r.Address = "tcp", "localhost:1" }, handshake.ReasonReattachAddress, true},
		{"protocol", func(r *handshake.Reattach) { r.Protocol = "soap" }, handshake.ReasonReattachValue, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := unixReattach()
			tt.change(&r)
			if text, err := r.GoJSON(); reasonOf(t, err) != tt.reason || text != nil {
				t.Errorf("GoJSON: got %s, %v", text, err)
			}
			if _, err := r.TerraformJSON(); (err == nil) != tt.goOnly {
				t.Errorf("TerraformJSON: got %v", err)
			}
		})
	}
}

func TestReattachProviders(t *testing.T) {
	providers := map[string]handshake.Reattach{
		"registry.terraform.io/acme/demo": unixReattach(),
		"registry.opentofu.org/acme/demo": tcpReattach("127.0.0.1:1"),
	}
	text, err := handshake.FormatReattachProviders(providers)
	want := `{"registry.opentofu.org/acme/demo":{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"tcp","String":"127.0.0.1:1"}},` +
		`"registry.terraform.io/acme/demo":{"Protocol":"grpc","ProtocolVersion":6,"Pid":1234,"Test":true,"Addr":{"Network":"unix","String":"/tmp/s&<ü>"}}}`
	if err != nil || text != want {
		t.Fatalf("got %s, %v\nwant %s", text, err, want)
	}
	back, err := handshake.ParseReattachProviders(text)
	if err != nil || !reflect.DeepEqual(back, providers) {
		t.Errorf("read back %+v, %v", back, err)
	}
	if none, err := handshake.ParseReattachProviders(" \n"); err != nil || len(none) != 0 {
		t.Errorf("a blank value: got %v, %v", none, err)
	}
}

func TestReattachProvidersErrors(t *testing.T) {
	for _, tt := range []struct{ text, want, hint string }{
		{`{"a/b":{"Protocol":"grpc"}}`, `reattach: "a/b": Addr is missing`, `"String"`},
		{`[]`, `reattach: TF_REATTACH_PROVIDERS is "[]"`, "quotes"},
		{`{"Protocol":"grpc","Addr":{"Network":"unix","String":"/x"}}`, "no map of providers", "PROVIDER ADDRESS"},
	} {
		got, err := handshake.ParseReattachProviders(tt.text)
		var e *handshake.Error
		if !errors.As(err, &e) || got != nil || !strings.Contains(e.Error(), tt.want) || !strings.Contains(e.Hint(), tt.hint) {
			t.Errorf("%s: got %v, %v; want %q and a hint with %q", tt.text, got, err, tt.want, tt.hint)
		}
	}
	_, err := handshake.FormatReattachProviders(map[string]handshake.Reattach{"a/b": {}})
	if err == nil || !strings.Contains(err.Error(), `"a/b"`) {
		t.Errorf("got %v, want the provider named", err)
	}
}
