//go:build unix

package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// workshop makes the working directory one with all kinds of files, and a
// directory "bin" that alone is in PATH.
func workshop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, file := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"here":          {"#!/bin/sh\n", 0o755},
		"data":          {"data", 0o644},
		"bin/good":      {"#!/bin/sh\n", 0o755},
		"bin/limp":      {"#!/bin/sh\n", 0o644},
		"bin/garbage":   {"\x00\x01\x02\x03", 0o755},
		"bin/orphan":    {"#! /no/such/python -u\n", 0o755},
		"bin/dos":       {"#!/bin/sh\r\necho\r\n", 0o755},
		"bin/folder/in": {"", 0o644},
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(file.text), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	return dir
}

// wantError checks a typed error: its reason, and words of its message and hint.
func wantError(t *testing.T, err error, reason Reason, words, hint string) {
	t.Helper()
	var typed *Error
	if !errors.As(err, &typed) {
		t.Fatalf("error is %T %v, want *Error with reason %q", err, err, reason)
	}
	if typed.Reason != reason {
		t.Errorf("reason is %q, want %q: %v", typed.Reason, reason, err)
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("error is %q, want it to say %q", err, words)
	}
	if !strings.Contains(typed.Hint(), hint) {
		t.Errorf("hint is %q, want it to say %q", typed.Hint(), hint)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has several lines: %q", err)
	}
}

func TestLook(t *testing.T) {
	dir := workshop(t)
	for command, want := range map[string]string{
		"good":                               filepath.Join(dir, "bin", "good"),
		"./here":                             "./here",
		"bin/good":                           "bin/good",
		filepath.Join(dir, "bin/good"):       filepath.Join(dir, "bin/good"),
		"../" + filepath.Base(dir) + "/here": "../" + filepath.Base(dir) + "/here",
	} {
		if got, err := Look(command); err != nil || got != want {
			t.Errorf("Look(%q) is %q, %v, want %q", command, got, err, want)
		}
	}
}

func TestLookErrors(t *testing.T) {
	dir := workshop(t)
	for _, c := range []struct {
		command string
		reason  Reason
		words   string
		hint    string
	}{
		{"", ReasonNoCommand, "no command", ""},
		{"nowhere", ReasonNotFound, `"nowhere" not found`, "searched in " + dir},
		{"here", ReasonNotFound, `"here" not found`, `did you mean "./here"?`},
		{"./nowhere", ReasonNotFound, `"./nowhere" not found`, dir},
		{"/no/such/file", ReasonNotFound, `"/no/such/file" not found`, "check the path"},
		{"data/x", ReasonNotFound, "not a directory", ""},
		{"./data", ReasonNotExecutable, "-rw-r--r--", "chmod +x"},
		{"limp", ReasonNotExecutable, filepath.Join(dir, "bin/limp"), "chmod +x"},
		{"./bin", ReasonDirectory, "is a directory", "inside"},
		{"folder", ReasonNotFound, `"folder" not found`, ""},
	} {
		t.Run(c.command, func(t *testing.T) {
			path, err := Look(c.command)
			if path != "" {
				t.Errorf("path is %q besides the error", path)
			}
			wantError(t, err, c.reason, c.words, c.hint)
		})
	}
}

func TestLookDoesNotSearchCurrentDirectory(t *testing.T) {
	workshop(t)
	t.Setenv("PATH", ".:bin")
	_, err := Look("here")
	wantError(t, err, ReasonCurrentDir, `"here"`, `"./here"`)
	_, err = Look("good")
	wantError(t, err, ReasonCurrentDir, `"bin/good"`, `"./bin/good"`)
	_, err = Start(Config{Command: []string{"here"}})
	wantError(t, err, ReasonCurrentDir, `"here"`, `"./here"`)
}

func TestLookHintIsShort(t *testing.T) {
	t.Setenv("PATH", strings.Repeat("/some/directory:/other:", 250)+"/last")
	_, err := Look("nowhere")
	wantError(t, err, ReasonNotFound, "", "and 496 more")
	t.Setenv("PATH", strings.Repeat("/some/directory:", 500)+"/last")
	_, err = Look("nowhere")
	wantError(t, err, ReasonNotFound, "", "searched in /some/directory, /last")
	t.Setenv("PATH", "")
	_, err = Look("nowhere")
	wantError(t, err, ReasonNotFound, "", "PATH is empty")
}

func TestStartErrors(t *testing.T) {
	dir := workshop(t)
	for _, c := range []struct {
		name   string
		cfg    Config
		reason Reason
		words  string
		hint   string
	}{
		{"no command", Config{}, ReasonNoCommand, "no command", ""},
		{"not found", Config{Command: []string{"nowhere"}}, ReasonNotFound, "nowhere", "searched"},
		{"no program", Config{Command: []string{"garbage"}}, ReasonFormat, `"garbage"`, "expected a program for"},
		{"no interpreter", Config{Command: []string{"orphan"}}, ReasonInterpreter, `"/no/such/python"`, "install it"},
		{"line ends", Config{Command: []string{"dos"}}, ReasonInterpreter, `"/bin/sh\r"`, "line ends"},
		{"no directory", Config{Command: []string{"good"}, Dir: dir + "/x"}, ReasonWorkDir, dir + "/x", ""},
		{"file as directory", Config{Command: []string{"good"}, Dir: dir + "/data"}, ReasonWorkDir, "not a directory", ""},
		{"relative removal", Config{Command: []string{"good"}, RemoveOnDeath: []string{"x"}}, ReasonRemoveDir, `"x"`, ""},
		{"removal of root", Config{Command: []string{"good"}, RemoveOnDeath: []string{"/x/.."}}, ReasonRemoveDir, `"/x/.."`, ""},
		{"empty removal", Config{Command: []string{"good"}, RemoveOnDeath: []string{""}}, ReasonRemoveDir, `""`, ""},
		{"argument too long", Config{Command: []string{"good", strings.Repeat("x", 4<<20)}}, ReasonStart, `"good"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Start(c.cfg)
			if p != nil {
				p.Close()
				t.Fatal("started")
			}
			wantError(t, err, c.reason, c.words, c.hint)
		})
	}
}
