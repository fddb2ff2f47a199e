// Package jsondoc reads JSON documents, one after the other, into protobuf
// messages, and says what is wrong with them by line, column and path.
package jsondoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
)

// Error is what is wrong with a document.
type Error struct {
	// Document is its number, from 1.
	Document int
	// Line and Column, in bytes, from 1, are those of the whole text.
	Line, Column int
	// Path leads to the offending value, as in "items[2].name"; "" if it is the
	// document itself, or is not known.
	Path string
	// Found is the offending value, shortened, and Expected what would have been
	// right. Both may be empty.
	Found, Expected string
	// Err is the cause, nil if Found and Expected say all.
	Err error
	// Syntax is true for what is no JSON at all.
	Syntax bool
}

// Error says where the mistake is, and what it is.
func (e *Error) Error() string {
	text := fmt.Sprintf("request %d, line %d, column %d", e.Document, e.Line, e.Column)
	if e.Path != "" {
		text += ": " + e.Path
	}
	if e.Syntax {
		text += ": no JSON"
	}
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + ": found " + e.Found + ", expected " + e.Expected
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Document is one JSON value of a text.
type Document struct {
	// Number counts from 1.
	Number int
	// Data is the value.
	Data json.RawMessage

	start int64
	lines *lines
}

// position is where a byte of the document is in the whole text.
func (d Document) position(offset int64) (line, column int) {
	return d.lines.position(d.start + offset)
}

// Wrong is an error about the document as a whole.
func (d Document) Wrong(err error) *Error {
	wrong := &Error{Document: d.Number, Err: err}
	wrong.Line, wrong.Column = d.position(0)
	return wrong
}

// Reader reads documents as they come. It is used by one goroutine at a time.
type Reader struct {
	decoder *json.Decoder
	lines   *lines
	number  int
}

// NewReader returns a Reader of the documents in r.
func NewReader(r io.Reader) *Reader {
	counted := &lines{from: r}
	return &Reader{decoder: json.NewDecoder(counted), lines: counted}
}

// Next returns the next document; io.EOF after the last. What is no JSON is an
// *Error, after which there is nothing more to be read.
func (r *Reader) Next() (Document, error) {
	document := Document{Number: r.number + 1, lines: r.lines}
	err := r.decoder.Decode(&document.Data)
	if errors.Is(err, io.EOF) {
		return Document{}, io.EOF
	}
	if err == nil {
		r.number++
		document.start = r.decoder.InputOffset() - int64(len(document.Data))
		return document, nil
	}
	offset := r.lines.read
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset - 1
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return Document{}, err // of the reader
	}
	wrong := &Error{Document: document.Number, Err: err, Syntax: true}
	wrong.Line, wrong.Column = r.lines.position(max(0, offset))
	return Document{}, wrong
}

// lines remembers where the lines of a text begin, as it is read.
type lines struct {
	from   io.Reader
	read   int64
	begins []int64 // of all lines but the first
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.begins = append(l.begins, l.read+int64(i)+1)
		}
	}
	l.read += int64(n)
	return n, err
}

// position turns an offset into line and column.
func (l *lines) position(offset int64) (line, column int) {
	before := sort.Search(len(l.begins), func(i int) bool { return l.begins[i] > offset })
	start := int64(0)
	if before > 0 {
		start = l.begins[before-1]
	}
	return before + 1, int(offset-start) + 1
}
