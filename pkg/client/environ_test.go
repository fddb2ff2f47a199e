package client_test

import (
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/client"
)

func TestInherit(t *testing.T) {
	outer := []string{
		"PATH=/bin", "HOME=/home/me", "LC_TIME=C", "LC=no", "SECRET=s", "AWS_KEY=k", "AWS_REGION=r", "EMPTY=",
		"PLUGIN_CLIENT_CERT=outer", "BASIC_PLUGIN=outer",
	}
	for _, test := range []struct {
		name    string
		inherit client.Inherit
		names   []string
		want    string
	}{
		{"all", client.InheritAll, nil, "PATH HOME LC_TIME LC SECRET AWS_KEY AWS_REGION EMPTY"},
		{"all and names", client.InheritAll, []string{"SECRET"}, "PATH HOME LC_TIME LC SECRET AWS_KEY AWS_REGION EMPTY"},
		{"minimal", client.InheritMinimal, nil, "PATH HOME LC_TIME"},
		{"minimal and names", client.InheritMinimal, []string{"SECRET", "AWS_*"}, "PATH HOME LC_TIME SECRET AWS_KEY AWS_REGION"},
		{"none", client.InheritNone, nil, ""},
		{"none and names", client.InheritNone, []string{"AWS_KEY", "EMPTY", "PLUGIN_*", "BASIC_PLUGIN"}, "AWS_KEY EMPTY"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := as(t, "ours", "")
			cfg.Environ, cfg.Inherit, cfg.InheritNames = outer, test.inherit, test.names
			cfg.Env = append(cfg.Env, "GIVEN=always", "AWS_REGION_TOO=given")
			c := start(t, cfg)
			environment := make(map[string]string)
			for entry := range strings.SplitSeq(string(say(t, c.Conn(), word("environment")).GetPayload()), "\n") {
				name, value, _ := strings.Cut(entry, "=")
				environment[name] = value
			}
			var passed []string
			for _, entry := range outer {
				name, value, _ := strings.Cut(entry, "=")
				if got, there := environment[name]; there && got == value {
					passed = append(passed, name)
				}
			}
			if got := strings.Join(passed, " "); got != test.want {
				t.Errorf("passed %q, want %q", got, test.want)
			}
			if _, there := environment["PLUGIN_CLIENT_CERT"]; !there || environment["BASIC_PLUGIN"] != "hello" || environment["GIVEN"] != "always" {
				t.Errorf("the environment lacks what it must have: %q", environment)
			}
		})
	}
}
