//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// object is a value as JSON has it.
type object = map[string]any

// A resource that is led through its life by hand, with plain values, becomes at
// each step what Terraform has in its state for the same configuration.
func TestConnectLife(t *testing.T) {
	installTime := func(s *sandbox) (string, object) {
		s.installTime()
		return tool(s, "terraform-provider-time"), object{}
	}
	installNotes := func(s *sandbox) (string, object) {
		s.configure("x")
		s.install(s.notes())
		// Terraform's notes are in the project.
		return s.path("mirror", address, version, platform, binary), object{"directory": s.path("notes")}
	}
	const then = "2020-02-12T06:36:13Z"
	for _, test := range []struct {
		resource, source string
		methods          string // of the protocol: schema, provider's validation and configuration, validation
		install          func(*sandbox) (plugin string, provider object)
		id               string
		configs          []object // one after the other
	}{
		{
			"time_static", "hashicorp/time", "tfplugin5 GetSchema PrepareProviderConfig Configure ValidateResourceTypeConfig",
			installTime, then,
			[]object{{"rfc3339": then, "triggers": object{"a": "b"}}},
		},
		{
			"time_offset", "hashicorp/time", "tfplugin5 GetSchema PrepareProviderConfig Configure ValidateResourceTypeConfig",
			installTime, then + ",0,0,8,0,0,0",
			[]object{
				{"base_rfc3339": then, "offset_days": 7.0}, {"base_rfc3339": then, "offset_days": 8.0},
			},
		},
		{
			"notes_note", address, "tfplugin6 GetProviderSchema ValidateProviderConfig ConfigureProvider ValidateResourceConfig",
			installNotes, "it",
			[]object{
				{"title": "it", "content": "milk, “bread”\n"}, {"title": "it", "content": strings.Repeat("long ", 10_000)},
			},
		},
	} {
		t.Run(test.resource, func(t *testing.T) {
			s := newSandbox(t)
			plugin, provider := test.install(s)
			s.try(os.Remove(filepath.Join(s.project, "main.tf")))
			methods := strings.Fields(test.methods)
			l := s.life(test.resource, methods[0], plugin)
			l.mustHave(l.call(methods[1], object{}), "resourceSchemas", test.resource)
			l.call(methods[2], object{"config": provider})
			l.call(methods[3], object{"terraformVersion": "1.5.7", "config": provider})
			for _, config := range test.configs {
				l.call(methods[4], object{"typeName": test.resource, "config": config})
				l.change(config)
				l.refresh()
				l.expect("after a change", l.state, s.applied(test.resource, test.source, config))
			}
			imported := l.imported(test.id)
			s.terraform("state", "rm", test.resource+".it").ok()
			s.terraform("import", test.resource+".it", test.id).ok()
			l.expect("after an import", imported, s.attributes(test.resource))
			l.change(nil)
			if l.state != nil {
				t.Errorf("what was removed is %v", l.state)
			}
			l.quit()
			s.expectNothingLeft()
		})
	}
}

// applied is what Terraform makes of a configuration.
func (s *sandbox) applied(resource, source string, config object) object {
	s.Helper()
	name, _, _ := strings.Cut(resource, "_")
	text, err := json.Marshal(object{
		"terraform": object{"required_providers": object{name: object{"source": source}}},
		"resource":  object{resource: object{"it": config}},
	})
	s.try(err)
	s.write(filepath.Join(s.project, "main.tf.json"), string(text))
	s.terraform("apply").ok()
	return s.attributes(resource)
}

// attributes returns those of the only resource in Terraform's state.
func (s *sandbox) attributes(resource string) object {
	s.Helper()
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes object }
		}
	}
	s.try(json.Unmarshal([]byte(s.read(filepath.Join(s.project, "terraform.tfstate"))), &state))
	if len(state.Resources) != 1 || state.Resources[0].Type != resource || len(state.Resources[0].Instances) != 1 {
		s.Fatalf("state is %+v, expected one %s", state, resource)
	}
	return state.Resources[0].Instances[0].Attributes
}

// life is a resource, and a session with its provider.
type life struct {
	*sandbox

	resource, protocol string
	state              object // nil while there is none
	private            any    // of the provider, null at first
	commands           io.WriteCloser
	replies            *json.Decoder
	session            *exec.Cmd
	complaints         *transcript
}

// life opens a session.
func (s *sandbox) life(resource, protocol, plugin string) *life {
	s.Helper()
	l := &life{sandbox: s, resource: resource, protocol: protocol, complaints: new(transcript)}
	l.session = exec.Command(rpcplugin(s), "connect", "--host", "terraform", "session", "--", plugin)
	l.session.Dir, l.session.Env, l.session.Stderr = s.path("home"), s.environ, l.complaints
	var err error
	l.commands, err = l.session.StdinPipe()
	s.try(err)
	replies, err := l.session.StdoutPipe()
	s.try(err)
	l.replies = json.NewDecoder(replies)
	s.try(l.session.Start())
	// Whatever is waited for ends with the session.
	watch := time.AfterFunc(patience, func() { _ = l.session.Process.Kill() })
	s.Cleanup(func() { watch.Stop() })
	return l
}

// call returns a reply, in which nothing may be found fault with.
func (l *life) call(method string, request object) (reply object) {
	l.Helper()
	text, err := json.Marshal(request)
	l.try(err)
	_, err = io.WriteString(l.commands, "call "+l.protocol+".Provider/"+method+" "+string(text)+"\n")
	l.try(err)
	if err := l.replies.Decode(&reply); err != nil {
		l.Fatalf("%s with %.500s: %v; it wrote\n%s", method, text, err, l.complaints)
	}
	if found := reply["diagnostics"]; found != nil {
		l.Fatalf("%s with %.500s: %v", method, text, found)
	}
	return reply
}

// mustHave returns what is in a reply below those names.
func (l *life) mustHave(reply object, names ...string) any {
	l.Helper()
	var found any = reply
	for _, name := range names {
		within, _ := found.(object)
		value, has := within[name]
		if !has {
			l.Fatalf("%.2000v has no %q", reply, names)
		}
		found = value
	}
	return found
}

// change plans and applies a configuration, or the end if it is nil.
func (l *life) change(config object) {
	l.Helper()
	var proposed object
	if config != nil {
		proposed = object{}
		maps.Copy(proposed, l.state)
		maps.Copy(proposed, config)
	}
	request := object{"typeName": l.resource, "priorState": l.state, "config": config, "proposedNewState": proposed}
	if l.private != nil {
		request["priorPrivate"] = l.private
	}
	plan := l.call("PlanResourceChange", request)
	request = object{"typeName": l.resource, "priorState": l.state, "config": config, "plannedState": l.mustHave(plan, "plannedState")}
	if private := plan["plannedPrivate"]; private != nil {
		request["plannedPrivate"] = private
	}
	reply := l.call("ApplyResourceChange", request)
	l.state, _ = l.mustHave(reply, "newState").(object)
	l.private = reply["private"]
}

// refresh is what Terraform does with a state that it has read from its file.
func (l *life) refresh() {
	l.Helper()
	reply := l.call("UpgradeResourceState", object{"typeName": l.resource, "rawState": object{"json": l.state}})
	request := object{"typeName": l.resource, "currentState": l.mustHave(reply, "upgradedState")}
	if l.private != nil {
		request["private"] = l.private
	}
	l.state, _ = l.mustHave(l.call("ReadResource", request), "newState").(object)
}

// imported returns what is there under an id.
func (l *life) imported(id string) object {
	l.Helper()
	reply := l.call("ImportResourceState", object{"typeName": l.resource, "id": id})
	found, _ := l.mustHave(reply, "importedResources").([]any)
	if len(found) != 1 {
		l.Fatalf("import of %q: %v, expected one", id, reply)
	}
	it, _ := found[0].(object)
	request := object{"typeName": l.resource, "currentState": l.mustHave(it, "state")}
	if private := it["private"]; private != nil {
		request["private"] = private
	}
	state, _ := l.mustHave(l.call("ReadResource", request), "newState").(object)
	return state
}

// expect compares what we have with Terraform's.
func (l *life) expect(when string, got, want object) {
	l.Helper()
	if len(want) == 0 || !reflect.DeepEqual(got, want) {
		l.Errorf("%s: got\n%.2000v\nTerraform has\n%.2000v", when, got, want)
	}
}

// quit ends the session.
func (l *life) quit() {
	l.Helper()
	l.try(l.commands.Close())
	if err := l.session.Wait(); err != nil {
		l.Errorf("the session ended with %v; it wrote\n%s", err, l.complaints)
	}
}
