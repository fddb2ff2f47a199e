//go:build unix

package process

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

func newOutput(t *testing.T) (*output, *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	return &output{file: reader}, writer
}

func TestOutputEndsWithItsWriters(t *testing.T) {
	out, writer := newOutput(t)
	_, _ = io.WriteString(writer, "all")
	writer.Close()
	if got, err := io.ReadAll(out); err != nil || string(got) != "all" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := out.file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("file is open after the end: %v", err)
	}
	out.cut()
	if _, err := out.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read after the end: %v", err)
	}
}

func TestCutKeepsWhatWasWritten(t *testing.T) {
	out, writer := newOutput(t) // which stays open
	_, _ = io.WriteString(writer, "one two")
	first := make([]byte, 3)
	if n, err := out.Read(first); err != nil || string(first[:n]) != "one" {
		t.Fatalf("read %q, %v", first[:n], err)
	}
	out.cut()
	out.cut()
	if got, err := io.ReadAll(out); err != nil || string(got) != " two" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := writer.Write([]byte("x")); err == nil {
		t.Error("pipe is open after the cut")
	}
}

func TestCutWakesReader(t *testing.T) {
	for range 200 { // the reader waits, or is about to, or has not begun
		out, writer := newOutput(t)
		read := make(chan error)
		go func() {
			_, err := out.Read(make([]byte, 1))
			read <- err
		}()
		out.cut()
		if err := <-read; !errors.Is(err, io.EOF) {
			t.Fatalf("read ends with %v", err)
		}
		writer.Close()
	}
}

func TestCutLosesAndReordersNothing(t *testing.T) {
	var text strings.Builder
	for i := range 5000 {
		text.WriteByte(byte('a' + i%26))
	}
	for range 100 {
		out, writer := newOutput(t)
		if _, err := io.WriteString(writer, text.String()); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(out.cut)
		var got strings.Builder
		// Small pieces, so that the cut comes in between.
		if _, err := io.CopyBuffer(&got, struct{ io.Reader }{out}, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if got.String() != text.String() {
			t.Fatalf("read %d bytes, want %d in order", got.Len(), text.Len())
		}
		writer.Close()
	}
}

func TestCutOfEndlessOutputEnds(t *testing.T) {
	out, writer := newOutput(t)
	var all sync.WaitGroup
	all.Go(func() {
		for chunk := make([]byte, 64<<10); ; {
			if _, err := writer.Write(chunk); err != nil {
				return
			}
		}
	})
	out.cut()
	all.Wait() // the pipe is closed
	if got, err := io.ReadAll(out); err != nil || len(got) > maxTail+64<<10 {
		t.Errorf("kept %d bytes, %v", len(got), err)
	}
}
