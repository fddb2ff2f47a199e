package dynamic

import (
	"encoding/json"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// formatVersion is the version of Terraform's own form.
const formatVersion = "1.0"

// The form of "terraform providers schema -json". What is empty is left out, as
// Terraform does.
type (
	schemasJSON struct {
		FormatVersion string                  `json:"format_version"`
		Schemas       map[string]providerJSON `json:"provider_schemas,omitempty"`
	}
	providerJSON struct {
		Provider    *schemaJSON              `json:"provider,omitempty"`
		Resources   map[string]*schemaJSON   `json:"resource_schemas,omitempty"`
		DataSources map[string]*schemaJSON   `json:"data_source_schemas,omitempty"`
		Ephemeral   map[string]*schemaJSON   `json:"ephemeral_resource_schemas,omitempty"`
		Lists       map[string]*schemaJSON   `json:"list_resource_schemas,omitempty"`
		Actions     map[string]*schemaJSON   `json:"action_schemas,omitempty"`
		StateStores map[string]*schemaJSON   `json:"state_store_schemas,omitempty"`
		Functions   map[string]*functionJSON `json:"functions,omitempty"`
		Identities  map[string]*identityJSON `json:"resource_identity_schemas,omitempty"`
	}
	schemaJSON struct {
		Version int64      `json:"version"`
		Block   *blockJSON `json:"block,omitempty"`
	}
	blockJSON struct {
		Attributes         map[string]*attributeJSON `json:"attributes,omitempty"`
		BlockTypes         map[string]*nestedJSON    `json:"block_types,omitempty"`
		Description        string                    `json:"description,omitempty"`
		DescriptionKind    string                    `json:"description_kind"`
		Deprecated         bool                      `json:"deprecated,omitempty"`
		DeprecationMessage string                    `json:"deprecation_message,omitempty"`
	}
	nestedJSON struct {
		NestingMode string     `json:"nesting_mode,omitempty"`
		Block       *blockJSON `json:"block,omitempty"`
		MinItems    int64      `json:"min_items,omitempty"`
		MaxItems    int64      `json:"max_items,omitempty"`
	}
	attributeJSON struct {
		Type               json.RawMessage `json:"type,omitempty"`
		NestedType         *nestedTypeJSON `json:"nested_type,omitempty"`
		Description        string          `json:"description,omitempty"`
		DescriptionKind    string          `json:"description_kind"`
		Deprecated         bool            `json:"deprecated,omitempty"`
		DeprecationMessage string          `json:"deprecation_message,omitempty"`
		Required           bool            `json:"required,omitempty"`
		Optional           bool            `json:"optional,omitempty"`
		Computed           bool            `json:"computed,omitempty"`
		Sensitive          bool            `json:"sensitive,omitempty"`
		WriteOnly          bool            `json:"write_only,omitempty"`
	}
	nestedTypeJSON struct {
		Attributes  map[string]*attributeJSON `json:"attributes,omitempty"`
		NestingMode string                    `json:"nesting_mode,omitempty"`
	}
	functionJSON struct {
		Description        string           `json:"description,omitempty"`
		Summary            string           `json:"summary,omitempty"`
		DeprecationMessage string           `json:"deprecation_message,omitempty"`
		ReturnType         json.RawMessage  `json:"return_type"`
		Parameters         []*parameterJSON `json:"parameters,omitempty"`
		Variadic           *parameterJSON   `json:"variadic_parameter,omitempty"`
	}
	parameterJSON struct {
		Name        string          `json:"name,omitempty"`
		Description string          `json:"description,omitempty"`
		Nullable    bool            `json:"is_nullable,omitempty"`
		Type        json.RawMessage `json:"type"`
	}
	identityJSON struct {
		Version    int64                             `json:"version"`
		Attributes map[string]*identityAttributeJSON `json:"attributes,omitempty"`
	}
	identityAttributeJSON struct {
		Type        json.RawMessage `json:"type,omitempty"`
		Description string          `json:"description,omitempty"`
		Required    bool            `json:"required_for_import,omitempty"`
		Optional    bool            `json:"optional_for_import,omitempty"`
	}
)

// SchemaJSON returns a provider's schemas as "terraform providers schema -json"
// prints them for a provider of that address, such as
// registry.terraform.io/hashicorp/time. The replies are those of [NewProvider].
// Sections that a version of Terraform does not know yet, such as functions in
// Terraform 1.5, are there when the provider has them. The error is an *Error.
func SchemaJSON(address string, replies ...protoreflect.Message) ([]byte, error) {
	p, err := NewProvider(replies...)
	if err != nil {
		return nil, err
	}
	var f former
	provider := providerJSON{
		Provider:    f.schema(child(p.schemas, "provider")),
		Resources:   f.schemas(p.schemas, subjectResource),
		DataSources: f.schemas(p.schemas, subjectDataSource),
		Ephemeral:   f.schemas(p.schemas, subjectEphemeral),
		Lists:       f.schemas(p.schemas, subjectList),
		Actions:     f.schemas(p.schemas, subjectAction),
		StateStores: f.schemas(p.schemas, subjectStateStore),
		Functions:   f.functions(p),
		Identities:  f.identities(p.identities),
	}
	if f.err != nil {
		return nil, f.err
	}
	document, err := json.Marshal(schemasJSON{formatVersion, map[string]providerJSON{address: provider}})
	if err != nil {
		return nil, &Error{Reason: ReasonSchema, Err: err}
	}
	return document, nil
}
