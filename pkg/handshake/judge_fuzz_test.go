package handshake_test

import (
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// Judge agrees with AcceptLine, and whatever is printed, both and the words about
// it are to be had.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{"", "1|6|unix|/x|grpc|", "1|6|tcp|:0|grpc||true", "hello\n1|6|unix|/x|grpc|", "\x7fELF|||||", "1|6|tcp|127.0.0.1:99999|netrpc"} {
		f.Add(seed, true, false)
	}
	f.Fuzz(func(t *testing.T, text string, autoMTLS, multiplex bool) {
		e := handshake.Expectation{AppVersions: []int{5, 6}, Multiplex: multiplex}
		v := handshake.Judge(text, e, autoMTLS)
		first, _, _ := strings.Cut(text, "\n")
		_, err := handshake.AcceptLine(first, e)
		if err != nil && v.Err == nil {
			t.Errorf("accepted, though %v", err)
		}
		tls := v.Err != nil && (v.Err.Reason == handshake.ReasonCertificateMissing || v.Err.Reason == handshake.ReasonCertificateUnasked)
		if err == nil && v.Err != nil && !tls {
			t.Errorf("refused for %v", v.Err)
		}
		if (v.GoPluginSays == "") != (v.GoPlugin == handshake.OutcomeStarts) {
			t.Errorf("go-plugin %s and says %q", v.GoPlugin, v.GoPluginSays)
		}
		if fault := v.Fault(); (fault == nil) != v.Fine() || fault != nil && (fault.Hint() == "" || len(fault.Error()) > 1000) {
			t.Errorf("fault %v", fault)
		}
		if fields := handshake.ExplainLine(text, e); fields != nil && len(fields) != 7 {
			t.Errorf("%d fields", len(fields))
		}
		handshake.FindTopic(text)
	})
}
