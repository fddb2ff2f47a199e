package testscript_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// status N CMD ARGS… runs a command that is to exit with status N.
func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N CMD ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// linkas NAME PATH links a registered program under another name.
func linkAs(ts *testscript.TestScript, neg bool, args []string) {
	program, path := placed(ts, neg, args)
	ts.Check(os.Symlink(program, path))
}

// copyas NAME PATH copies a registered program.
func copyAs(ts *testscript.TestScript, neg bool, args []string) {
	program, path := placed(ts, neg, args)
	if os.Link(program, path) == nil {
		return
	}
	data, err := os.ReadFile(program)
	ts.Check(err)
	ts.Check(os.WriteFile(path, data, 0o700)) //nolint:gosec // a program
}

func placed(ts *testscript.TestScript, neg bool, args []string) (program, path string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: linkas|copyas NAME PATH")
	}
	program, err := exec.LookPath(args[0])
	ts.Check(err)
	path = ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	return program, path
}

// lines N FILE counts the lines of a file; stdout and stderr are those of the
// last command.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE")
	}
	if got := strconv.Itoa(strings.Count(ts.ReadFile(args[1]), "\n")); got != args[0] {
		ts.Fatalf("%s lines in %s, want %s", got, args[1], args[0])
	}
}

// narrow N FILE checks that no line is wider than N characters.
func narrow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: narrow N FILE")
	}
	limit, err := strconv.Atoi(args[0])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > limit {
			ts.Fatalf("%d characters wide: %q", width, line)
		}
	}
}

// json checks that stdout is JSON, one document or several. json KEY VALUE
// checks a key of the first document as well; a path of keys has points.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var documents []any
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		documents = append(documents, document)
	}
	if len(documents) == 0 {
		ts.Fatalf("no JSON on stdout")
	}
	if len(args) == 0 {
		return
	}
	value := documents[0]
	for key := range strings.SplitSeq(args[0], ".") {
		object, ok := value.(map[string]any)
		if value = object[key]; !ok {
			ts.Fatalf("no key %q", key)
		}
	}
	found := value != nil && (len(args) == 1 || fmt.Sprint(value) == args[1])
	if found == neg {
		ts.Fatalf("%s is %v", args[0], value)
	}
}

// atleast N KEY… checks that the numbers at some keys of the JSON document on
// stdout, paths as with json, are N together, or more.
func atLeast(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: atleast N KEY…")
	}
	want, err := strconv.ParseFloat(args[0], 64)
	ts.Check(err)
	var document any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &document))
	sum := 0.0
	for _, path := range args[1:] {
		value := document
		for key := range strings.SplitSeq(path, ".") {
			object, _ := value.(map[string]any)
			value = object[key]
		}
		number, ok := value.(float64)
		if !ok {
			ts.Fatalf("%s is %v, want a number", path, value)
		}
		sum += number
	}
	if sum < want {
		ts.Fatalf("%s are %g together, want %g at least", strings.Join(args[1:], ", "), sum, want)
	}
}

// payload [!] TEXT checks the bytes of the field "payload" of the JSON document
// on stdout, without the base64 around them.
func payload(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] payload TEXT")
	}
	var message struct{ Payload string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &message))
	data, err := base64.StdEncoding.DecodeString(message.Payload)
	ts.Check(err)
	if bytes.Equal(data, []byte(args[0])) == neg {
		ts.Fatalf("the payload is %q", data)
	}
}
