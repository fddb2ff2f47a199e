package transport

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
)

func TestErrorText(t *testing.T) {
	tests := []struct {
		name string
		err  *Error
		want string
	}{
		{"all parts", &Error{ReasonNotSocket, "/a b", "a socket", fs.ErrInvalid}, `file is not a socket "/a b", expected a socket: invalid argument`},
		{"reason only", &Error{Reason: ReasonClosed}, "transport is closed"},
		{"unknown reason", &Error{Reason: "new"}, "transport failed"},
		{
			"net error is not repeated",
			&Error{Reason: ReasonRefused, Found: "h:1", Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}},
			`nobody listens at "h:1": refused`,
		},
		{
			"path error is not repeated",
			&Error{Reason: ReasonDirectory, Found: "/a", Err: &os.PathError{Op: "mkdir", Path: "/a/b", Err: errors.New("permission denied")}},
			`unusable directory "/a": mkdir: permission denied`,
		},
		{"control characters are quoted", &Error{Reason: ReasonAddress, Found: "a\nb"}, `unusable address "a\nb"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestReasonsHaveWordsAndHints(t *testing.T) {
	withoutHint := map[Reason]bool{ReasonCanceled: true, ReasonClosed: true, ReasonSystem: true}
	seen := map[string]Reason{}
	for _, reason := range []Reason{
		ReasonAddress, ReasonPathTooLong, ReasonNotSocket, ReasonInUse, ReasonNotFound, ReasonPermission,
		ReasonDirectory, ReasonGroup, ReasonNoPort, ReasonNoCommonNetwork, ReasonRefused, ReasonTimeout,
		ReasonCanceled, ReasonClosed, ReasonSystem,
	} {
		text := reason.what()
		if other, twice := seen[text]; twice {
			t.Errorf("%s and %s have the same text %q", reason, other, text)
		}
		seen[text] = reason
		if text != strings.ToLower(text) || strings.HasSuffix(text, ".") {
			t.Errorf("%s: text %q is not in the house style", reason, text)
		}
		hint := (&Error{Reason: reason}).Hint()
		if (hint == "") != withoutHint[reason] || strings.HasSuffix(hint, ".") {
			t.Errorf("%s: hint %q", reason, hint)
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	if err := error(&Error{Reason: ReasonClosed, Err: net.ErrClosed}); !errors.Is(err, net.ErrClosed) {
		t.Error("the cause is not found")
	}
}
