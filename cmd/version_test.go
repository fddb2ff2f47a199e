package cmd

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
		{Key: "vcs.time", Value: "2026-11-22T16:35:50Z"},
		{Key: "vcs.modified", Value: "false"},
	}
	changed := append(commit[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "true"})
	of := func(version string, settings []debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	for _, tc := range []struct {
		name, linked      string
		build             *debug.BuildInfo
		want, wantVersion string // the end of the text; the version
	}{
		{"nothing known", "", nil, "", "development"},
		{"from a source archive", "", of("(devel)", nil), "", "development"},
		{"go install of a version", "", of("v0.1.0", nil), "", "v0.1.0"},
		{"a clone", "", of("v0.0.0-2026+dirty", changed), ", commit 0123456789ab of 2026-11-22 with changes)", "v0.0.0-2026+dirty"},
		{"a release", "v0.1.0", of("v0.1.0", commit), ", commit 0123456789ab of 2026-11-22)", "v0.1.0"},
		{"the linker decides", "v0.1.0", of("(devel)", nil), "", "v0.1.0"},
	} {
		info := versionOf(tc.linked, tc.build)
		if info.Version != tc.wantVersion || !strings.HasPrefix(info.String(), "rpcplugin "+tc.wantVersion+" (go-plugin core protocol 1, go") {
			t.Errorf("%s: %q, %q, want %q", tc.name, info.Version, info, tc.wantVersion)
		}
		if !strings.HasSuffix(info.String(), tc.want) || strings.Contains(info.String(), "commit") != (tc.want != "") {
			t.Errorf("%s: %q, want the end %q", tc.name, info, tc.want)
		}
	}
}
