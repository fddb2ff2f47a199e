package cmd

import (
	"strconv"
)

// configSchemaCommand prints a schema.
type configSchemaCommand struct{}

// Help is the long help.
func (configSchemaCommand) Help() string {
	return `An editor that knows JSON schemas completes and checks settings:

  rpcplugin config schema > rpcplugin.schema.json
  # yaml-language-server: $schema=rpcplugin.schema.json

The second is the first line of rpcplugin.yaml.`
}

// jsonSchema is as much of JSON Schema (draft 2020-12) as settings need.
type jsonSchema struct {
	Schema      string                `json:"$schema,omitempty"`
	Title       string                `json:"title,omitempty"`
	Description string                `json:"description,omitempty"`
	Default     any                   `json:"default,omitempty"`
	Type        any                   `json:"type,omitempty"` // a name, or several
	Enum        []any                 `json:"enum,omitempty"`
	Pattern     string                `json:"pattern,omitempty"`
	Minimum     *int                  `json:"minimum,omitempty"`
	MinItems    int                   `json:"minItems,omitempty"`
	Items       *jsonSchema           `json:"items,omitempty"`
	AnyOf       []*jsonSchema         `json:"anyOf,omitempty"`
	Properties  map[string]jsonSchema `json:"properties,omitempty"`
	// Others is what further properties are: false, or a schema.
	Others any `json:"additionalProperties,omitempty"`
}

// Run prints it.
func (c *configSchemaCommand) Run(p *Program) error {
	app, err := p.settingsModel()
	if err != nil {
		return err
	}
	return writeJSON(p.Stdout, schemaOf(settingsOfModel(app)))
}

// schemaOf is the schema of a settings file.
func schemaOf(all []setting) jsonSchema {
	root := jsonSchema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: settingsName,
		Description: "Settings of rpcplugin serve and rpcplugin connect: the names of their flags.",
		Type:        []string{"object", "null"}, Properties: make(map[string]jsonSchema), Others: false,
	}
	for _, s := range all {
		property := s.schema()
		property.Description = s.Meaning
		root.Properties[s.Name] = property
	}
	for _, row := range pyviderTable() {
		property := pyviderSchema(row.form)
		property.Description = "A setting of pyvider-rpcplugin: " + row.effect() + "."
		root.Properties[row.name] = property
	}
	return root
}

// plain is what a text may be written as in YAML.
func plain() jsonSchema { return jsonSchema{Type: []string{"string", "number", "boolean"}} }

func matching(pattern string) *jsonSchema { return &jsonSchema{Type: "string", Pattern: pattern} }

func either(schemas ...*jsonSchema) jsonSchema { return jsonSchema{AnyOf: schemas} }

// countSchema is a whole number from 0.
func countSchema() *jsonSchema { return &jsonSchema{Type: "integer", Minimum: new(int)} }

// The texts of the kinds.
const (
	countPattern    = `^[0-9]+$`
	countsPattern   = `^[0-9]+(,[0-9]+)*$`
	numberPattern   = `^[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?$`
	spanPattern     = `^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+)$`
	truthPattern    = `^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|0|1)$`
	variablePattern = `^[^=]+=`
	cookiePattern   = `^[^=]+=[\s\S]`
	addressPattern  = `^(unix:.|/.|\.\.?/|(tcp:(//)?)?[^/\s].*:[0-9]{1,5}$)`
)

// schema is that of the value of a setting.
func (s setting) schema() jsonSchema {
	var of jsonSchema
	text := plain()
	switch s.Type {
	case kindChoice, kindHost:
		for _, choice := range s.Choices {
			of.Enum = append(of.Enum, choice)
		}
	case kindTruth:
		of = either(&jsonSchema{Type: "boolean"}, &jsonSchema{Enum: []any{0, 1}}, matching(truthPattern))
	case kindSpan:
		of = either(matching(spanPattern), &jsonSchema{Enum: []any{0}})
	case kindCount:
		of = either(countSchema(), matching(countPattern))
	case kindNumber:
		of = either(&jsonSchema{Type: "number", Minimum: new(int)}, matching(numberPattern))
	case kindVersions:
		one := either(countSchema(), matching(countsPattern))
		of = either(countSchema(), matching(countsPattern), &jsonSchema{Type: "array", MinItems: 1, Items: &one})
	case kindList, kindWords:
		of = either(&text, &jsonSchema{Type: "array", Items: &text})
	case kindVariables:
		of = either(&jsonSchema{Type: "object", Others: text}, matching(variablePattern), &jsonSchema{Type: "array", Items: matching(variablePattern)})
	case kindCookie:
		of = *matching(cookiePattern)
	case kindAddress:
		of = *matching(addressPattern)
	case kindText:
		of = text
	}
	of.Default = s.usual()
	return of
}

// usual is the default as YAML has it, nil without one.
func (s setting) usual() any {
	if s.Default == "" {
		return nil
	}
	if number, err := strconv.Atoi(s.Default); err == nil && s.Type == kindCount {
		return number
	}
	return s.Default
}

// pyviderSchema is that of a value of pyvider-rpcplugin.
func pyviderSchema(form string) jsonSchema {
	text := plain()
	switch form {
	case formTruth:
		return either(&jsonSchema{Type: "boolean"}, &jsonSchema{Enum: []any{0, 1}},
			matching(`^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|0|1)$`))
	case formSeconds, formMilliseconds, formNumber:
		return either(&jsonSchema{Type: "number", Minimum: new(int)}, matching(numberPattern))
	case formCount:
		return either(countSchema(), matching(countPattern))
	case formVersions:
		one := either(countSchema(), matching(countPattern))
		return either(countSchema(), matching(`^[0-9]+(, *[0-9]+)*$`), &jsonSchema{Type: "array", MinItems: 1, Items: &one})
	case formTransports:
		one := jsonSchema{Enum: []any{"unix", "tcp"}}
		return either(matching(`^(unix|tcp)(, *(unix|tcp))*$`), &jsonSchema{Type: "array", MinItems: 1, Items: &one})
	case formLevel:
		return *matching(`^([Tt][Rr][Aa][Cc][Ee]|[Dd][Ee][Bb][Uu][Gg]|[Ii][Nn][Ff][Oo]|[Ww][Aa][Rr][Nn]([Ii][Nn][Gg])?|[Ee][Rr][Rr][Oo][Rr]|[Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll]|[Nn][Oo][Tt][Ss][Ee][Tt]|[Oo][Ff][Ff]|[Aa][Uu][Tt][Oo])$`)
	default:
		return text
	}
}
