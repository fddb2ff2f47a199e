package process

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestCloseEndsTheGroup(t *testing.T) {
	tt := newTether(t)
	p := start(t, tt.role(t, "leader", "stubborn"))
	grandchild := tt.join(t, "stubborn")
	child := tt.join(t, "leader")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if alive(child.pid) {
				t.Error("child lives when Close has returned")
			}
		})
	}
	all.Wait()
	child.awaitEnd(t, "child")
	grandchild.awaitEnd(t, "grandchild")
	if got := p.Status().Signal; got != "SIGKILL" {
		t.Errorf("child was ended by %q", got)
	}
	if _, err := p.Stdout().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read after Close: %v", err)
	}
}

func TestDescendantHoldingPipesDelaysNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*Process) error
	}{
		{"exit", func(p *Process) error { return p.Signal(syscall.SIGTERM) }},
		{"close", (*Process).Close},
	} {
		t.Run(c.name, func(t *testing.T) {
			tt := newTether(t)
			p := start(t, tt.role(t, "loser"))
			holder := tt.join(t, "stubborn")
			defer holder.awaitEnd(t, "holder of the pipes")
			defer func() { _ = syscall.Kill(holder.pid, syscall.SIGKILL) }()
			tt.join(t, "loser")
			outputs := make(chan error, 2)
			for _, r := range []io.Reader{p.Stdout(), p.Stderr()} {
				go func() {
					_, err := io.ReadAll(r)
					outputs <- err
				}()
			}
			begin := time.Now()
			if err := c.end(p); err != nil {
				t.Error(err)
			}
			awaitExit(t, p)
			for range 2 {
				if err := <-outputs; err != nil {
					t.Errorf("reading ends with %v", err)
				}
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("outputs ended after %v", took)
			}
			if !alive(holder.pid) {
				t.Error("nobody held the pipes: the test shows nothing")
			}
		})
	}
}

func TestCloseDoesNotWaitForOutputs(t *testing.T) {
	var took time.Duration
	for range 5 { // one is enough: the machine may be busy
		p := start(t, Config{Command: []string{"cat"}})
		begin := time.Now()
		p.Close()
		if took = time.Since(begin); took < outputGrace {
			return
		}
	}
	t.Errorf("Close took %v", took)
}

func TestLastWordsAreKept(t *testing.T) {
	words := strings.Repeat("last words\n", 5000) // almost what a pipe holds
	for name, wait := range map[string]func(*Process){
		"when outputs are cut": func(p *Process) { <-p.ended },
		"after Close":          func(p *Process) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var none *tether
			p := start(t, none.role(t, "exit", "1", "", words))
			awaitExit(t, p)
			wait(p)
			got, err := io.ReadAll(p.Stderr())
			if err != nil || string(got) != words {
				t.Errorf("read %d bytes, %v, want %d", len(got), err, len(words))
			}
			if got, err := io.ReadAll(p.Stdout()); err != nil || len(got) != 0 {
				t.Errorf("stdout is %q, %v", got, err)
			}
		})
	}
}

func TestSlowReaderGetsAllInOrder(t *testing.T) {
	const lines = 30000 // several pipes full
	p := start(t, Config{Command: []string{"/bin/sh", "-c", "seq " + strconv.Itoa(lines)}})
	var got bytes.Buffer
	buf := make([]byte, 1000)
	for {
		n, err := p.Stdout().Read(buf)
		got.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	numbers := strings.Fields(got.String())
	if len(numbers) != lines {
		t.Fatalf("read %d lines, want %d", len(numbers), lines)
	}
	for i, number := range numbers {
		if number != strconv.Itoa(i+1) {
			t.Fatalf("line %d is %q", i+1, number)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for name, guard := range map[string]bool{"plain": false, "guarded": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p, err := Start(Config{Command: []string{"cat"}, Guard: guard})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				p.Close()
				b.StartTimer()
			}
		})
	}
}

func BenchmarkStartAndClose(b *testing.B) {
	for name, guard := range map[string]bool{"plain": false, "guarded": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p, err := Start(Config{Command: []string{"cat"}, Guard: guard})
				if err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
	}
}
