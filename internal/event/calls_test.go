package event_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every record that is logged somewhere in this module says what it is about.
func TestEveryCallHasAnEvent(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	calls := 0
	for _, room := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || !logs(call) {
					return true
				}
				calls++
				if !hasEvent(call) {
					t.Errorf("%s: a record without an event, such as event.OK(event.Plugin, event.Start)", files.Position(call.Pos()))
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls < 40 {
		t.Errorf("found %d calls, expected more: are they recognized?", calls)
	}
}

// logs reports whether a call is one of a slog.Logger's methods: those of
// variables and fields that are called log or logger.
func logs(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{
		"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "DebugContext", "InfoContext", "WarnContext", "ErrorContext",
	}, method.Sel.Name) {
		return false
	}
	name := ""
	at := method.X
	if with, ok := at.(*ast.CallExpr); ok { // logger.With(…).Debug(…)
		if function, ok := with.Fun.(*ast.SelectorExpr); ok {
			at = function.X
		}
	}
	switch of := at.(type) {
	case *ast.Ident:
		name = of.Name
	case *ast.SelectorExpr:
		name = of.Sel.Name
	}
	return slices.Contains([]string{"log", "logger", "Logger"}, name)
}

// hasEvent reports whether one of this package's functions makes an argument, or
// one of a With before it.
func hasEvent(call *ast.CallExpr) bool {
	found := false
	for _, part := range append(call.Args, call.Fun) { // it may be in a With before
		ast.Inspect(part, func(node ast.Node) bool {
			if function, ok := node.(*ast.SelectorExpr); ok {
				from, ok := function.X.(*ast.Ident)
				found = found || ok && from.Name == "event"
			}
			return !found
		})
	}
	return found
}
