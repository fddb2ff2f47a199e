package handshake_test

import (
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func TestRecognize(t *testing.T) {
	const line = "1|6|unix|/x|grpc|"
	for _, test := range []struct {
		output string
		kind   handshake.Output
		advice string
	}{
		{line, handshake.OutputLine, ""},
		{"  " + line + "\r\n", handshake.OutputLine, ""},
		{"", handshake.OutputNothing, "blank line"},
		{"   ", handshake.OutputNothing, "blank line"},
		{"\n" + line, handshake.OutputLaterLine, "line 2 and must be the first: take away the empty print"},
		{"Loading…\n\n" + line + "\n", handshake.OutputLaterLine, "line 3 and must be the first: send what"},
		{`{"@level":"info"}` + "\n" + line, handshake.OutputLaterLine, "stderr"},
		{"\ufeff" + line, handshake.OutputDressed, "byte order mark"},
		{"\x1b[32m" + line + "\x1b[0m", handshake.OutputDressed, "colors"},
		{`"` + line + `"`, handshake.OutputDressed, "quotes"},
		{"\xff\xfe1\x00|\x006\x00", handshake.OutputUTF16, "UTF-16"},
		{"1\x00|\x006\x00|\x00", handshake.OutputUTF16, "UTF-16"},
		{"\x7fELF\x02\x01\x01\x00", handshake.OutputBinary, "a program"},
		{"\x7fELF\x00|\x00|\x00|", handshake.OutputBinary, "a program"},
		{"PK\x03\x04", handshake.OutputBinary, "archive"},
		{"ab\x00cd", handshake.OutputBinary, "no text"},
		{"#!/bin/sh", handshake.OutputScript, "script"},
		{"<!DOCTYPE html>", handshake.OutputMarkup, "HTML"},
		{"-----BEGIN CERTIFICATE-----", handshake.OutputPEM, "PEM"},
		{"Traceback (most recent call last):", handshake.OutputCrash, "crashed"},
		{"ModuleNotFoundError: No module named 'grpc'", handshake.OutputCrash, "crashed"},
		{"panic: boom", handshake.OutputCrash, "crashed"},
		{"thread 'main' panicked at src/main.rs:1:1:", handshake.OutputCrash, "crashed"},
		{"node:internal/modules/cjs/loader:1", handshake.OutputCrash, "crashed"},
		{"This binary is a plugin. These are not meant to be executed directly.", handshake.OutputNoCookie, "cookie"},
		{"./p is a plugin and does nothing useful on its own.", handshake.OutputNoCookie, "cookie"},
		{"sh: 1: python: not found", handshake.OutputShell, "could not be run"},
		{"bash: ./p: cannot execute binary file: Exec format error", handshake.OutputShell, "could not be run"},
		{"Usage: p [flags]", handshake.OutputUsage, "usage"},
		{`{"registry.terraform.io/a/b":{"Protocol":"grpc"}}`, handshake.OutputReattach, "attach"},
		{"Provider started. To attach Terraform CLI, set …", handshake.OutputReattach, "attach"},
		{"2026-01-02 03:04:05 starting", handshake.OutputLog, "log line"},
		{"[INFO] starting", handshake.OutputLog, "log line"},
		{"WARNING: slow", handshake.OutputLog, "log line"},
		{"Hello, world!", handshake.OutputUnknown, ""},
		{"1|6|unix", handshake.OutputUnknown, ""},
		{strings.Repeat("x", 1<<20), handshake.OutputUnknown, ""},
	} {
		kind, advice := handshake.Recognize(test.output)
		if kind != test.kind || !strings.Contains(advice, test.advice) || (advice == "") != (test.advice == "") {
			t.Errorf("%.60q is %q (%s), want %q with %q", test.output, kind, advice, test.kind, test.advice)
		}
		if strings.Contains(advice, "\n") || strings.HasSuffix(advice, ".") {
			t.Errorf("advice %q", advice)
		}
	}
}

func TestExplainLine(t *testing.T) {
	e := handshake.Expectation{AppVersions: []int{5, 6}}
	fields := handshake.ExplainLine(" one|4|pigeon|/x|http|"+strings.Repeat("!", 60)+"|perhaps|more\nnext", handshake.Expectation{AppVersions: []int{5, 6}, Multiplex: true})
	if len(fields) != 7 {
		t.Fatalf("%d fields", len(fields))
	}
	for i, field := range fields {
		wrong := i != 3 && i != 6 // any path will do, and field 7 counts with gRPC alone
		if field.Number != i+1 || field.Name == "" || field.Meaning == "" || !field.Present || (field.Err != nil) != wrong {
			t.Errorf("%+v", field)
		}
	}
	if got := fields[0].Value; got != "one" {
		t.Errorf("the value of field 1 is %q", got)
	}
	fields = handshake.ExplainLine("1|6|unix|/x", e)
	if fields[4].Present || !strings.Contains(fields[4].Meaning, "netrpc") || fields[4].Err == nil {
		t.Errorf("%+v", fields[4])
	}
	for _, none := range []string{"", "hello", "\x7fELF|||||", "1\x00|\x006\x00|\x00||", "1|6|unix", strings.Repeat("1|6|unix|/x|", 10000)} {
		if handshake.ExplainLine(none, e) != nil {
			t.Errorf("%.30q is explained", none)
		}
	}
}
