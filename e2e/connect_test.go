//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// rpcplugin as the host of a provider in Go that knows nothing of it.
func TestConnectToProviderInGo(t *testing.T) {
	s := newSandbox(t)
	provider := tool(t, "terraform-provider-time")
	connect := func(args ...string) result {
		t.Helper()
		args = append([]string{"connect", "--host", "terraform"}, args...)
		return s.run(rpcplugin(t), append(args, "--", provider)...).ok()
	}

	var info struct {
		AppVersion  int    `json:"app_version"`
		Protocol    string `json:"protocol"`
		Network     string `json:"network"`
		Certificate *struct {
			Key string `json:"key"`
		} `json:"certificate"`
		Services []string `json:"services"`
	}
	s.try(json.Unmarshal([]byte(connect("-o", "json", "info").stdout), &info))
	if info.AppVersion != 5 || info.Protocol != "grpc" || info.Network != "unix" ||
		info.Certificate == nil || !strings.Contains(info.Certificate.Key, "P-521") {
		t.Errorf("info is %+v", info)
	}
	if want := []string{"plugin.GRPCBroker", "plugin.GRPCController", "plugin.GRPCStdio", "tfplugin5.Provider"}; !containsAll(info.Services, want) {
		t.Errorf("services are %q, expected %q among them", info.Services, want)
	}
	connect("list").says("tfplugin5.Provider", "grpc.health.v1.Health")
	connect("list", "tfplugin5.Provider").says("tfplugin5.Provider/GetSchema", "tfplugin5.Provider/ValidateResourceTypeConfig")

	var schema struct {
		Resources map[string]json.RawMessage `json:"resourceSchemas"`
	}
	s.try(json.Unmarshal([]byte(connect("call", "tfplugin5.Provider.GetSchema").stdout), &schema))
	for _, name := range []string{"time_offset", "time_rotating", "time_sleep", "time_static"} {
		if len(schema.Resources[name]) == 0 {
			t.Errorf("the schema does not have %s", name)
		}
	}

	validate := func(timestamp string) result {
		t.Helper()
		request, err := json.Marshal(map[string]any{"typeName": "time_static", "config": map[string]any{"rfc3339": timestamp}})
		s.try(err)
		return connect("call", "tfplugin5.Provider.ValidateResourceTypeConfig", "-d", string(request))
	}
	validate("half past nine").says(`"severity": "ERROR"`, "rfc3339", "half past nine")
	if valid := validate("2026-01-01T00:00:00Z").stdout; strings.TrimSpace(valid) != "{}" {
		t.Errorf("a valid configuration is answered with %s", valid)
	}
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(have, name) })
}

// rpcplugin as the host of a program in Node behind the bridge, which tells of
// its services by a .proto file only.
func TestConnectToProgramInNode(t *testing.T) {
	s := newSandbox(t)
	example := prepared(t, "examples/node/node_modules")
	example = strings.TrimSuffix(example, "node_modules")
	connect := func(args ...string) result {
		t.Helper()
		args = append([]string{"connect", "--host", "kv", "--proto", "kv.proto", "--import-path", example}, args...)
		return s.run(rpcplugin(t), append(args, "--", rpcplugin(t), "serve", "--host", "kv", "--exec", "node", example+"server.js")...)
	}
	connect("list", "proto.KV").ok().says("proto.KV/Get", "proto.KV/Put")
	if put := connect("call", "proto.KV/Put", "-d", `{"key": "greeting", "value": "aGVsbG8="}`).ok().stdout; strings.TrimSpace(put) != "{}" {
		t.Errorf("Put is answered with %s", put)
	}
	connect("call", "proto.KV/Get", "-d", `{"key": "greeting"}`).ok().says(`"value": "aGVsbG8`)
	missing := connect("call", "proto.KV/Get", "-d", `{"key": "nothing"}`)
	if missing.code < 65 {
		t.Errorf("a key that is not there: exit status %d", missing.code)
	}
	connect("call", "proto.KV/Fetch").says("it has Get, Put")
}
