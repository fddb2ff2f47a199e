package dynamic

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Provider knows the types of the values in a provider's messages. It keeps the
// messages that it was made of, which must not be changed afterwards; types are
// worked out when they are needed. It is safe for concurrent use. A nil *Provider
// knows nothing, and its methods go by the bytes alone.
type Provider struct {
	schemas     protoreflect.Message // GetProviderSchema.Response
	functions   protoreflect.Message // GetFunctions.Response, or nil
	identities  protoreflect.Message // GetResourceIdentitySchemas.Response, or nil
	provisioner protoreflect.Message // GetProvisionerSchema.Response, or nil
}

// NewProvider takes what a provider or provisioner has told of itself: replies of
// GetSchema (tfplugin5) or GetProviderSchema (tfplugin6), and, if they were asked
// for, of GetFunctions and GetResourceIdentitySchemas, in any order. The error is
// an *Error with ReasonSchema for any other message.
func NewProvider(replies ...protoreflect.Message) (*Provider, error) {
	p := &Provider{}
	for _, reply := range replies {
		switch local := localName(reply.Descriptor()); local {
		case "GetProviderSchema.Response":
			p.schemas = reply
		case "GetFunctions.Response":
			p.functions = reply
		case "GetResourceIdentitySchemas.Response":
			p.identities = reply
		case "GetProvisionerSchema.Response":
			p.provisioner = reply
		default:
			return nil, &Error{
				Reason: ReasonSchema, Found: fmt.Sprintf("message %q", reply.Descriptor().FullName()),
				Expected: "the reply of GetSchema, GetProviderSchema, GetFunctions or GetResourceIdentitySchemas",
			}
		}
	}
	return p, nil
}

// lookup finds the shape of a value. A nil shape without an error means that
// nothing was told of it.
func (p *Provider) lookup(s subject, name string, index int, at *path) (*shape, error) {
	if p == nil || s == subjectUntold {
		return nil, nil
	}
	switch s {
	case subjectFlag:
		return &shape{ty: cty.Bool}, nil
	case subjectCount:
		return &shape{ty: cty.Number}, nil
	case subjectProvider:
		return p.single(p.schemas, "provider", at)
	case subjectMeta:
		return p.single(p.schemas, "provider_meta", at)
	case subjectProvisioner:
		return p.single(p.provisioner, "provisioner", at)
	case subjectArgument, subjectResult:
		return p.function(s, name, index, at)
	case subjectIdentity:
		return p.identity(name, at)
	default:
		return p.kind(s, name, at)
	}
}

// single finds the shape of what there is one of. A provider without it has an
// empty object there.
func (p *Provider) single(reply protoreflect.Message, field protoreflect.Name, at *path) (*shape, error) {
	if reply == nil {
		return nil, nil
	}
	s, err := schemaShape(child(reply, field), at)
	return &s, err
}

// kind finds the shape of a resource, data source or the like.
func (p *Provider) kind(s subject, name string, at *path) (*shape, error) {
	if p.schemas == nil || p.schemas.Descriptor().Fields().ByName(s.section()) == nil {
		return nil, nil
	}
	schemas := named(p.schemas, s.section())
	schema, found := schemas[name]
	if !found {
		return nil, unknownName(at, s.String(), name, keysOf(schemas))
	}
	result, err := schemaShape(schema, at)
	return &result, err
}

// function finds the shape of an argument or result.
func (p *Provider) function(s subject, name string, index int, at *path) (*shape, error) {
	functions := named(p.schemas, "functions")
	for each, function := range named(p.functions, "functions") {
		functions[each] = function
	}
	if len(functions) == 0 && p.functions == nil {
		return nil, nil
	}
	function, found := functions[name]
	if !found {
		return nil, unknownName(at, "function", name, keysOf(functions))
	}
	described := child(function, "return")
	if s == subjectArgument {
		parameters := children(function, "parameters")
		described = child(function, "variadic_parameter")
		if index < len(parameters) {
			described = parameters[index]
		} else if described == nil {
			return nil, at.fail(ReasonType, fmt.Sprintf("argument %d", index+1), fmt.Sprintf("%d arguments", len(parameters)))
		}
	}
	ty, err := parseType(data(described, "type"), at)
	if err != nil {
		return nil, err
	}
	result := shapeOf(ty)
	return &result, nil
}

// identity finds the shape of a resource's identity.
func (p *Provider) identity(name string, at *path) (*shape, error) {
	if p.identities == nil {
		return nil, nil
	}
	schemas := named(p.identities, "identity_schemas")
	schema, found := schemas[name]
	if !found {
		return nil, unknownName(at, "identity of a resource", name, keysOf(schemas))
	}
	attrs := map[string]attr{}
	for _, attribute := range children(schema, "identity_attributes") {
		ty, err := parseType(data(attribute, "type"), at)
		if err != nil {
			return nil, err
		}
		a := attr{shape: shapeOf(ty)}
		if !flag(attribute, "required_for_import") {
			a.absent = cty.NullVal(a.ty)
		}
		attrs[cty.NormalizeString(text(attribute, "name"))] = a
	}
	result := objectShape(attrs)
	return &result, nil
}
