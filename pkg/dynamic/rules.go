package dynamic

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// subject is what a value is a value of.
type subject int

const (
	subjectUntold subject = iota // no schema tells of it
	subjectProvider
	subjectMeta
	subjectResource
	subjectDataSource
	subjectEphemeral
	subjectList
	subjectAction
	subjectStateStore
	subjectIdentity
	subjectArgument
	subjectResult
	subjectProvisioner
	subjectFlag  // a boolean
	subjectCount // a number
)

// String names what can be named by a type name.
func (s subject) String() string {
	switch s {
	case subjectResource:
		return "resource type"
	case subjectDataSource:
		return "data source"
	case subjectEphemeral:
		return "ephemeral resource"
	case subjectList:
		return "list resource"
	case subjectAction:
		return "action"
	case subjectStateStore:
		return "state store"
	default:
		return "name"
	}
}

// section is the field of GetProviderSchema.Response that has its schemas.
func (s subject) section() protoreflect.Name {
	switch s {
	case subjectResource:
		return "resource_schemas"
	case subjectDataSource:
		return "data_source_schemas"
	case subjectEphemeral:
		return "ephemeral_resource_schemas"
	case subjectList:
		return "list_resource_schemas"
	case subjectAction:
		return "action_schemas"
	case subjectStateStore:
		return "state_store_schemas"
	default:
		return ""
	}
}

// subjectOf says what a field of type DynamicValue is a value of.
func subjectOf(f protoreflect.FieldDescriptor) subject {
	message := localName(f.ContainingMessage())
	switch {
	case f.Name() == "provider_meta":
		return subjectMeta
	case message == "ResourceIdentityData":
		return subjectIdentity
	}
	switch message + "." + string(f.Name()) {
	case "CallFunction.Request.arguments":
		return subjectArgument
	case "CallFunction.Response.result":
		return subjectResult
	case "ListResource.Event.resource_object":
		return subjectResource
	case "ValidateListResourceConfig.Request.include_resource_object":
		return subjectFlag
	case "ValidateListResourceConfig.Request.limit":
		return subjectCount
	case "ProvisionResource.Request.connection":
		return subjectUntold
	}
	call, _, _ := strings.Cut(message, ".")
	switch call {
	case "PrepareProviderConfig", "Configure", "ValidateProviderConfig", "ConfigureProvider":
		return subjectProvider
	case "ValidateResourceTypeConfig", "ValidateResourceConfig", "UpgradeResourceState", "ReadResource",
		"PlanResourceChange", "ApplyResourceChange", "ImportResourceState", "MoveResourceState", "GenerateResourceConfig":
		return subjectResource
	case "ValidateDataSourceConfig", "ValidateDataResourceConfig", "ReadDataSource":
		return subjectDataSource
	case "ValidateEphemeralResourceConfig", "OpenEphemeralResource":
		return subjectEphemeral
	case "ValidateListResourceConfig", "ListResource":
		return subjectList
	case "ValidateActionConfig", "PlanAction", "InvokeAction":
		return subjectAction
	case "ValidateStateStoreConfig", "ConfigureStateStore":
		return subjectStateStore
	case "ValidateProvisionerConfig", "ProvisionResource":
		return subjectProvisioner
	default:
		return subjectUntold
	}
}

// namingFields are the fields that say which resource, action or function the
// values of a message, and of the reply to it, belong to.
func namingFields(call string) []protoreflect.Name {
	if call == "CallFunction.Request" {
		return []protoreflect.Name{"name"}
	}
	return []protoreflect.Name{"type_name", "target_type_name", "action_type"}
}

// spelling says how a field is written in JSON.
type spelling int

const (
	spelledAsEver  spelling = iota // as protobuf's own JSON
	spelledValue                   // a DynamicValue
	spelledJSON                    // bytes that hold JSON, in base64 where they do not
	spelledMessage                 // a message with such fields in it
)

// spellingOf says how a field is written.
func (f *finder) spellingOf(d protoreflect.FieldDescriptor) spelling {
	if d.IsMap() {
		d = d.MapValue()
	}
	switch {
	case d.Message() == nil:
		if holdsJSON(d) {
			return spelledJSON
		}
		return spelledAsEver
	case isValue(d.Message()):
		return spelledValue
	case f.has(d.Message()):
		return spelledMessage
	default:
		return spelledAsEver
	}
}

// holdsJSON reports whether a field of bytes holds JSON: states as they are
// stored, and types.
func holdsJSON(d protoreflect.FieldDescriptor) bool {
	if d.Kind() != protoreflect.BytesKind || !isProtocol(d) {
		return false
	}
	switch localName(d.ContainingMessage()) + "." + string(d.Name()) {
	case "RawState.json", "Schema.Attribute.type", "ResourceIdentitySchema.IdentityAttribute.type",
		"Function.Parameter.type", "Function.Return.type":
		return true
	default:
		return false
	}
}

// isProtocol reports whether something is part of Terraform's plugin protocol.
func isProtocol(d protoreflect.Descriptor) bool {
	return strings.HasPrefix(string(d.FullName()), "tfplugin5.") || strings.HasPrefix(string(d.FullName()), "tfplugin6.")
}

func isValue(d protoreflect.MessageDescriptor) bool {
	return isProtocol(d) && localName(d) == "DynamicValue"
}

// localName is a full name without its package.
func localName(d protoreflect.Descriptor) string {
	_, local, _ := strings.Cut(string(d.FullName()), ".")
	return local
}

// Has reports whether JSON of a message of this type differs from protobuf's own:
// it, or a message in it, has a DynamicValue, or bytes that hold JSON, which are
// the states that are upgraded or moved, and the types in schemas.
func Has(d protoreflect.MessageDescriptor) bool { return newFinder().has(d) }

// finder looks for such fields, and remembers where there are some.
type finder struct {
	known map[protoreflect.FullName]bool
}

func newFinder() *finder { return &finder{known: map[protoreflect.FullName]bool{}} }

func (f *finder) has(d protoreflect.MessageDescriptor) bool {
	if !isProtocol(d) {
		return false
	}
	answer, known := f.known[d.FullName()]
	if !known {
		answer = search(d, map[protoreflect.FullName]bool{})
		f.known[d.FullName()] = answer
	}
	return answer
}

// search looks through a message type and all below it, each once.
func search(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	if isValue(d) {
		return true
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if holdsJSON(f) || f.Message() != nil && search(f.Message(), seen) {
			return true
		}
	}
	return false
}
