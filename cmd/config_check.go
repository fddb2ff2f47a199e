package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/alecthomas/kong"
)

// configCheckCommand looks for mistakes in a file.
type configCheckCommand struct {
	File   string `arg:"" optional:"" help:"The file; default: rpcplugin.yaml of the working directory."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// checkedFile is what was found: a contract with scripts.
type checkedFile struct {
	File     string    `json:"file"`
	OK       bool      `json:"ok"`
	Settings int       `json:"settings"`
	Mistakes []mistake `json:"mistakes"`
}

type mistake struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Run reports every mistake, and ends with a usage error if there is one.
func (c *configCheckCommand) Run(p *Program, g globals) error {
	path := cmp.Or(c.File, settingsName)
	app, err := p.settingsModel()
	if err != nil {
		return err
	}
	count, mistakes := checkFile(app, path)
	if c.Output == "json" {
		document := checkedFile{File: path, OK: len(mistakes) == 0, Settings: count, Mistakes: []mistake{}}
		for _, err := range mistakes {
			document.Mistakes = append(document.Mistakes, mistake{err.Error(), hintOf(err)})
		}
		if err := writeJSON(p.Stdout, document); err != nil {
			return err
		}
	} else {
		for _, err := range mistakes {
			report(p.Stderr, g.renderer(p), err)
		}
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("%w: %w", errReported, &usageError{err: errors.Join(mistakes...)})
	}
	if c.Output == "text" {
		_, err = fmt.Fprintf(p.Stdout, "%s: ok, settings: %d\n", path, count)
	}
	return err
}

// checkFile returns how many settings a file has, and all mistakes in it.
func checkFile(app *kong.Application, path string) (int, []error) {
	file, mistakes := loadSettings(path)
	if file == nil {
		for i, err := range mistakes { // of the system, too
			hint := cmp.Or(hintOf(err), fileHint)
			if errors.Is(err, fs.ErrNotExist) {
				hint = "name the file that is to be checked, or go where " + settingsName + " is"
			}
			mistakes[i] = &usageError{err: err, hint: hint}
		}
		return 0, mistakes
	}
	mistakes = append(mistakes, file.checkKeys(flagNames(app.Node))...)
	for _, key := range file.keys {
		if err := file.checkOne(app, key.Value); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return len(file.keys), mistakes
}

// checkOne returns what is wrong with the value of one key, for whichever command
// that has it.
func (f *settingsFile) checkOne(app *kong.Application, key string) error {
	node := f.values[key]
	for _, row := range pyviderTable() {
		if row.name != key {
			continue
		}
		texts, err := f.texts(node, kindList)
		given := pyviderValue{text: strings.Join(texts, ","), bad: err, origin: fmt.Sprintf("%s:%d: %s", f.path, node.Line, key)}
		text, err := given.convert(row.form)
		if flag := settingFlag(app.Node, cmp.Or(row.serve, row.connect)); err == nil && flag != nil && row.form == formLevel {
			err = checkValue(flag, given.origin+" is", text)
		}
		return err
	}
	flag := settingFlag(app.Node, key)
	if flag == nil {
		return nil // said already
	}
	value, err := f.value(node, flag)
	if err != nil {
		return usagef("see rpcplugin config list for what it takes", "%s:%d: %s: %w", f.path, node.Line, key, err)
	}
	return checkValue(flag, fmt.Sprintf("%s:%d: %s is", f.path, node.Line, key), value)
}

// settingFlag finds a flag of any command below node, nil if there is none.
func settingFlag(node *kong.Node, name string) *kong.Flag {
	for _, flag := range node.Flags {
		if flag.Name == name && name != "help" {
			return flag
		}
	}
	for _, child := range node.Children {
		if flag := settingFlag(child, name); flag != nil && !child.Hidden {
			return flag
		}
	}
	return nil
}
