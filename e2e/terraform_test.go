//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// terraform runs Terraform in the project, without a question.
func (s *sandbox) terraform(command string, args ...string) result {
	s.Helper()
	return s.startTerraform(command, args...).wait()
}

// startTerraform starts Terraform in the project.
func (s *sandbox) startTerraform(command string, args ...string) *running {
	s.Helper()
	if command != "validate" && command != "state" {
		args = append([]string{"-input=false"}, args...)
	}
	if command == "apply" || command == "destroy" {
		args = append([]string{"-auto-approve"}, args...)
	}
	return s.start(tool(s.TB, "terraform"), append([]string{command}, args...)...)
}

// logged makes Terraform write its whole log, and returns the file.
func (s *sandbox) logged() string {
	file := s.path("terraform.log")
	s.set("TF_LOG=JSON", "TF_LOG_PATH="+file)
	return file
}

// logEntry is a line of Terraform's log.
type logEntry struct {
	Level     string `json:"@level"`
	Message   string `json:"@message"`
	Traceback string `json:"traceback"`
	text      string // the whole line
}

// entries returns those of the log that have the text.
func (s *sandbox) entries(log, text string) []logEntry {
	s.Helper()
	var found []logEntry
	for line := range strings.Lines(s.read(log)) {
		if !strings.Contains(line, text) {
			continue
		}
		entry := logEntry{text: line}
		s.try(json.Unmarshal([]byte(line), &entry))
		found = append(found, entry)
	}
	return found
}

// state is a state file, as far as notes go.
type state struct {
	Resources []struct {
		Type      string `json:"type"`
		Name      string `json:"name"`
		Provider  string `json:"provider"`
		Instances []struct {
			Status     string            `json:"status"`
			Attributes map[string]string `json:"attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// stateOfNotes returns the attributes of all notes in the state, by resource name.
func (s *sandbox) stateOfNotes() map[string]map[string]string {
	s.Helper()
	found := make(map[string]map[string]string)
	data, err := os.ReadFile(filepath.Join(s.project, "terraform.tfstate"))
	if os.IsNotExist(err) {
		return found
	}
	s.try(err)
	var state state
	s.try(json.Unmarshal(data, &state))
	for _, resource := range state.Resources {
		if resource.Type != "notes_note" {
			continue
		}
		if want := `provider["` + address + `"]`; resource.Provider != want || len(resource.Instances) != 1 {
			s.Fatalf("state has %+v, expected one instance of %s", resource, want)
		}
		if tainted := resource.Instances[0].Status; tainted != "" {
			s.Errorf("%s.%s is %s", resource.Type, resource.Name, tainted)
		}
		found[resource.Name] = resource.Instances[0].Attributes
	}
	return found
}

// expectNote fails unless the state has the note "it" with that content.
func (s *sandbox) expectNote(content string) {
	s.Helper()
	note := s.stateOfNotes()["it"]
	if note["content"] != content || note["title"] != "it" || note["id"] != "it" || len(note["sha256"]) < 64 {
		s.Errorf("state has %.200q for the note, expected its content to be %q", note, content)
	}
}

// expectNoNotes fails if the state has one.
func (s *sandbox) expectNoNotes() {
	s.Helper()
	if notes := s.stateOfNotes(); len(notes) > 0 {
		s.Errorf("state has %.200q, expected nothing", notes)
	}
}

// note is the file of the note "it".
func (s *sandbox) note() string { return filepath.Join(s.project, "notes", "it.txt") }
