package dynamic

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// former turns schemas into Terraform's own form. It keeps the first error.
type former struct{ err error }

// schemas forms a section of GetProviderSchema.Response.
func (f *former) schemas(reply protoreflect.Message, s subject) map[string]*schemaJSON {
	result := map[string]*schemaJSON{}
	for name, schema := range named(reply, s.section()) {
		if s == subjectAction {
			schema = child(schema, "schema")
		}
		result[name] = f.schema(schema)
	}
	return result
}

func (f *former) schema(schema protoreflect.Message) *schemaJSON {
	if schema == nil {
		return nil
	}
	return &schemaJSON{Version: integer(schema, "version"), Block: f.block(child(schema, "block"), 0)}
}

func (f *former) block(block protoreflect.Message, depth int) *blockJSON {
	if depth == deepest {
		f.fail(fmt.Errorf("blocks nested more than %d deep", deepest))
		return nil
	}
	result := &blockJSON{
		Attributes: f.attributes(children(block, "attributes"), depth), BlockTypes: map[string]*nestedJSON{},
		Description: text(block, "description"), DescriptionKind: kindOf(block),
		Deprecated: flag(block, "deprecated"), DeprecationMessage: text(block, "deprecation_message"),
	}
	for _, nested := range children(block, "block_types") {
		result.BlockTypes[text(nested, "type_name")] = &nestedJSON{
			NestingMode: nestingOf(nested), Block: f.block(child(nested, "block"), depth+1),
			MinItems: integer(nested, "min_items"), MaxItems: integer(nested, "max_items"),
		}
	}
	return result
}

func (f *former) attributes(attributes []protoreflect.Message, depth int) map[string]*attributeJSON {
	result := map[string]*attributeJSON{}
	for _, attribute := range attributes {
		formed := &attributeJSON{
			Description: text(attribute, "description"), DescriptionKind: kindOf(attribute),
			Deprecated: flag(attribute, "deprecated"), DeprecationMessage: text(attribute, "deprecation_message"),
			Required: flag(attribute, "required"), Optional: flag(attribute, "optional"),
			Computed: flag(attribute, "computed"), Sensitive: flag(attribute, "sensitive"),
			WriteOnly: flag(attribute, "write_only"),
		}
		nested := child(attribute, "nested_type")
		switch {
		case nested == nil:
			formed.Type = f.typeIn(attribute)
		case depth == deepest:
			f.fail(fmt.Errorf("types nested more than %d deep", deepest))
		default:
			formed.NestedType = &nestedTypeJSON{f.attributes(children(nested, "attributes"), depth+1), nestingOf(nested)}
		}
		result[text(attribute, "name")] = formed
	}
	return result
}

func (f *former) functions(p *Provider) map[string]*functionJSON {
	result := map[string]*functionJSON{}
	for _, reply := range []protoreflect.Message{p.schemas, p.functions} {
		for name, function := range named(reply, "functions") {
			formed := &functionJSON{
				Description: text(function, "description"), Summary: text(function, "summary"),
				DeprecationMessage: text(function, "deprecation_message"), ReturnType: f.typeIn(child(function, "return")),
			}
			for _, parameter := range children(function, "parameters") {
				formed.Parameters = append(formed.Parameters, f.parameter(parameter))
			}
			if variadic := child(function, "variadic_parameter"); variadic != nil {
				formed.Variadic = f.parameter(variadic)
			}
			result[name] = formed
		}
	}
	return result
}

func (f *former) parameter(parameter protoreflect.Message) *parameterJSON {
	return &parameterJSON{
		Name: text(parameter, "name"), Description: text(parameter, "description"),
		Nullable: flag(parameter, "allow_null_value"), Type: f.typeIn(parameter),
	}
}

func (f *former) identities(reply protoreflect.Message) map[string]*identityJSON {
	result := map[string]*identityJSON{}
	for name, schema := range named(reply, "identity_schemas") {
		formed := &identityJSON{Version: integer(schema, "version"), Attributes: map[string]*identityAttributeJSON{}}
		for _, attribute := range children(schema, "identity_attributes") {
			formed.Attributes[text(attribute, "name")] = &identityAttributeJSON{
				Type: f.typeIn(attribute), Description: text(attribute, "description"),
				Required: flag(attribute, "required_for_import"), Optional: flag(attribute, "optional_for_import"),
			}
		}
		result[name] = formed
	}
	return result
}

// typeIn forms the type of an attribute or parameter.
func (f *former) typeIn(m protoreflect.Message) json.RawMessage {
	var at *path
	if name := text(m, "name"); name != "" {
		at = at.field(name)
	}
	ty, err := parseType(data(m, "type"), at)
	if err != nil {
		f.fail(err)
		return nil
	}
	return json.RawMessage(typeText(ty))
}

// fail keeps the first error.
func (f *former) fail(err error) {
	if f.err == nil {
		f.err = err
		if reasonOf(err) == "" {
			f.err = &Error{Reason: ReasonSchema, Err: err}
		}
	}
}

// kindOf names the kind of a description.
func kindOf(m protoreflect.Message) string {
	if enum(m, "description_kind") == 1 {
		return "markdown"
	}
	return "plain"
}

// nestingOf names a nesting mode.
func nestingOf(m protoreflect.Message) string {
	switch enum(m, "nesting") {
	case nestingSingle:
		return "single"
	case nestingList:
		return "list"
	case nestingSet:
		return "set"
	case nestingMap:
		return "map"
	case nestingGroup:
		return "group"
	default:
		return "invalid"
	}
}
