package hclog_test

import (
	"fmt"
	"strings"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

func ExampleClassifier() {
	const stderr = `INFO:demo:ready
{"level":"warn","msg":"disk is low","free":7}
Traceback (most recent call last):
  File "demo.py", line 3, in <module>
    connect()
ConnectionError: refused
`
	show := func(entries []hclog.Entry) {
		for _, entry := range entries {
			fmt.Println(entry.Level, entry.Message)
		}
	}
	c := hclog.NewClassifier()
	for line := range strings.Lines(stderr) {
		show(c.Line([]byte(line)))
	}
	show(c.Flush())
	// Output:
	// INFO ready
	// WARN disk is low
	// ERROR ConnectionError: refused
}
