package process

import "testing"

func TestStatusString(t *testing.T) {
	for want, status := range map[string]Status{
		"exited with status 0":                {},
		"exited with status 3":                {Code: 3},
		"was killed by SIGKILL":               {Code: -1, Signal: "SIGKILL"},
		"was killed by SIGSEGV (core dumped)": {Code: -1, Signal: "SIGSEGV", CoreDumped: true},
		"ended with unknown status":           unknownStatus(),
	} {
		if got := status.String(); got != want {
			t.Errorf("%+v reads %q, want %q", status, got, want)
		}
	}
}
