package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// socketName is as long as the longest name that plugins give their sockets:
// those of go-plugin are "plugin" and up to ten digits.
const socketName = "plugin1234567890"

// errTooLong is a directory with a long path.
var errTooLong = errors.New("too long for the path of a socket")

// findingInfo is the JSON form of a finding.
type findingInfo struct {
	Variable string `json:"variable"`
	Reason   string `json:"reason,omitempty"`
	Problem  string `json:"problem,omitempty"`
	Fix      string `json:"fix,omitempty"`
	Note     string `json:"note,omitempty"`
}

// check looks at the environment of this process. Findings are an error, notes
// are none.
func (c *envCommand) check(p *Program, g globals, cookie handshake.Cookie) error {
	host, found := c.findings(p, cookie)
	infos, wrong := make([]findingInfo, 0, len(found)), 0
	for _, f := range found {
		info := findingInfo{Variable: f.Variable, Note: f.Note}
		if f.Err != nil {
			wrong++
			info.Reason, info.Problem, info.Fix = string(f.Err.Reason), f.Err.Error(), f.Err.Hint()
			if f.Err.Reason == handshake.ReasonCookie && c.Host != "" {
				info.Fix += "\neval \"$(rpcplugin handshake env --host " + c.Host + " --export)\""
			}
		}
		infos = append(infos, info)
	}
	var err error
	if c.Output == "json" {
		err = writeJSON(p.Stdout, struct {
			Host     string        `json:"host,omitempty"`
			Findings []findingInfo `json:"findings"`
		}{host, infos})
	} else {
		err = writeFindings(p, g, host, infos, wrong)
	}
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%w: %w", errReported, &startError{err: errRefused})
	}
	return err
}

func writeFindings(p *Program, g globals, host string, infos []findingInfo, wrong int) error {
	var table factTable
	if host == "" {
		host = "none: no cookie that is known is set"
	}
	table.row("host", host)
	for _, info := range infos {
		if info.Note != "" {
			table.row("note", info.Variable+": "+visible(info.Note))
			continue
		}
		table.row("wrong", visible(info.Problem)+"\nFix: "+visible(info.Fix))
	}
	switch wrong {
	case 0:
		table.row("verdict", "nothing is wrong")
	case 1:
		table.row("verdict", "1 finding")
	default:
		table.row("verdict", fmt.Sprintf("%d findings", wrong))
	}
	return writeVerdict(p.Stdout, newRenderer(p, p.Stdout, g.Color), table, wrong == 0)
}

// findings are what is wrong, and the host whose environment it seems to be.
// Variables of a host are at home only where its cookie is, or should be.
func (c *envCommand) findings(p *Program, cookie handshake.Cookie) (host string, found []handshake.Finding) {
	cookieErr := cookie.Check(p.LookupEnv)
	if !cookie.IsZero() {
		host = cookieOwners(cookie.Key)
		found = cookieFinding(cookieErr)
	} else {
		host, found = knownCookie(p.LookupEnv)
	}
	if host == "" {
		found = append(found, handshake.CheckLeaks(p.LookupEnv)...)
	} else {
		found = append(found, handshake.CheckEnv(p.LookupEnv, time.Now())...)
		found = append(found, checkSocketDir(p.LookupEnv)...)
	}
	return host, append(found, handshake.CheckReattach(p.LookupEnv)...)
}

func cookieFinding(err error) []handshake.Finding {
	fault, ok := errors.AsType[*handshake.Error](err)
	if !ok {
		return nil
	}
	return []handshake.Finding{{Variable: fault.Field, Err: fault}}
}

// knownCookie finds the cookie of a known host in the environment.
func knownCookie(lookup func(string) (string, bool)) (host string, found []handshake.Finding) {
	for _, known := range knownHosts() {
		if value, _ := lookup(known.cookie.Key); value == "" || host == cookieOwners(known.cookie.Key) {
			continue
		}
		host = cookieOwners(known.cookie.Key)
		found = append(found, cookieFinding(known.cookie.Check(lookup))...)
	}
	return host, found
}

// checkSocketDir tries the directory that a plugin would put its socket into.
func checkSocketDir(lookup func(string) (string, bool)) []handshake.Finding {
	variable := handshake.EnvUnixSocketDir
	dir, _ := lookup(variable)
	group, _ := lookup(handshake.EnvUnixSocketGroup)
	if dir == "" {
		variable, dir = "TMPDIR", os.TempDir()
	}
	fault := &handshake.Error{
		Reason: handshake.ReasonEnvSocketDir, Field: variable, Found: dir,
		Expected: "a directory for sockets",
	}
	if err := checkSocketPath(filepath.Join(dir, socketName)); err != nil {
		fault.Expected += " that leaves room for a name of " + strconv.Itoa(len(socketName)) + " bytes"
		fault.Err = errTooLong
		return []handshake.Finding{{Variable: variable, Err: fault}}
	}
	probe, err := transport.NewPrivateDir(dir, group, 0)
	if err != nil {
		if refused, ok := errors.AsType[*transport.Error](err); ok && refused.Reason == transport.ReasonGroup {
			fault.Field, fault.Found, fault.Expected = handshake.EnvUnixSocketGroup, group, "a group that this user is a member of"
		}
		fault.Err = innermost(err)
		return []handshake.Finding{{Variable: fault.Field, Err: fault}}
	}
	_ = probe.Close()
	return nil
}

// innermost is what the system said.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
