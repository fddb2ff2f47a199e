package dynamic

import (
	"strconv"
	"strings"
)

// path is where in a message or value something stands; nil is the whole.
type path struct {
	up    *path
	name  string // of a field or attribute
	index int    // of an element, when name is ""
	key   bool   // name is a map's key
}

func (p *path) field(name string) *path { return &path{up: p, name: name} }
func (p *path) element(i int) *path     { return &path{up: p, index: i} }
func (p *path) at(key string) *path     { return &path{up: p, name: key, key: true} }

// String writes it as config.rule[0].tags["x"].
func (p *path) String() string {
	var steps []string
	for ; p != nil; p = p.up {
		switch {
		case p.key:
			steps = append(steps, "["+strconv.Quote(p.name)+"]")
		case p.name == "":
			steps = append(steps, "["+strconv.Itoa(p.index)+"]")
		case p.up == nil:
			steps = append(steps, p.name)
		default:
			steps = append(steps, "."+p.name)
		}
	}
	var text strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		text.WriteString(steps[i])
	}
	return text.String()
}

// fail makes an error of something found here.
func (p *path) fail(reason Reason, found, expected string) *Error {
	return &Error{Reason: reason, Path: p.String(), Found: found, Expected: expected}
}

// because makes an error with a cause.
func (p *path) because(reason Reason, found string, err error) *Error {
	return &Error{Reason: reason, Path: p.String(), Found: found, Err: err}
}
