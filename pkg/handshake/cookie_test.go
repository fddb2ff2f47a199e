package handshake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func TestCookieCheck(t *testing.T) {
	c := handshake.Cookie{Key: "K", Value: "right"}
	tests := []struct {
		name    string
		cookie  handshake.Cookie
		environ []string
		want    string // a piece of the error; "" for none
	}{
		{"right", c, []string{"K=right"}, ""},
		{"none asked for", handshake.Cookie{}, nil, ""},
		{"not set", c, nil, "K is not set"},
		{"empty", c, []string{"K="}, "K is not set"},
		{"wrong", c, []string{"K=sEcReT"}, "K is set to another value"},
		{"a prefix", c, []string{"K=righ"}, "K is set to another value"},
		{"longer", c, []string{"K=rightt"}, "K is set to another value"},
		{"no value configured", handshake.Cookie{Key: "K"}, []string{"K="}, "cookie value is not configured"},
		{"no key configured", handshake.Cookie{Value: "right"}, []string{"=right"}, "cookie key is not configured"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.cookie.Check(lookupIn(tt.environ))
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *handshake.Error
			if !errors.As(err, &e) || e.Reason != handshake.ReasonCookie || !strings.Contains(e.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if all := e.Error() + e.Hint() + e.Found; strings.Contains(all, "sEcReT") || e.Found != "" {
				t.Errorf("the value found is repeated: %s", all)
			}
		})
	}
}

func TestCookieIsZero(t *testing.T) {
	if !(handshake.Cookie{}).IsZero() || (handshake.Cookie{Key: "K"}).IsZero() || (handshake.Cookie{Value: "v"}).IsZero() {
		t.Error("only a cookie without key and value is zero")
	}
}

func TestCookieText(t *testing.T) {
	tests := []struct {
		name          string
		cookie        handshake.Cookie
		program, host string
		want          []string
		not           string
	}{
		{"all known", handshake.Cookie{Key: "K", Value: "v1"}, "./plugin", "Terraform", []string{"./plugin is a plugin", "Terraform does so", "    K=v1 ./plugin\n"}, "the program that uses it"},
		{"nothing known", handshake.Cookie{Key: "K", Value: "v1"}, "", "", []string{"This program is a plugin", "the program that uses it does so", "    K=v1 COMMAND\n"}, ""},
		{"a value for the shell", handshake.Cookie{Key: "K", Value: "it's $x"}, "p", "", []string{`    K='it'\''s $x' p` + "\n"}, ""},
		{"no cookie", handshake.Cookie{}, "p", "", []string{"p is a plugin"}, "by hand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := handshake.CookieText(tt.cookie, tt.program, tt.host)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q lacks %q", got, want)
				}
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("%q has %q", got, tt.not)
			}
			if !strings.HasSuffix(got, ".\n") {
				t.Errorf("%q does not end in a whole line", got)
			}
		})
	}
}
