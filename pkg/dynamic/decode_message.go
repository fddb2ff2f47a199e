package dynamic

import (
	"encoding/base64"
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// DecodeMessage returns a request or reply of tfplugin5 or tfplugin6 as JSON on
// one line: as protobuf's own, but with values in this package's notation, and
// stored states and the types of schemas as the JSON that they are. For a reply,
// request is what was asked: it names the resource whose values the reply has; it
// may be nil. Any other message is protobuf's own JSON. The error is an *Error.
func (p *Provider) DecodeMessage(m, request protoreflect.Message) (json.RawMessage, error) {
	return p.DecodeMessageWith(m, request, protojson.MarshalOptions{})
}

// DecodeMessageWith is DecodeMessage with options of protobuf's JSON: those that
// show absent fields, and the names of the .proto file. Spaces are not kept.
func (p *Provider) DecodeMessageWith(m, request protoreflect.Message, options protojson.MarshalOptions) (json.RawMessage, error) {
	text, err := options.Marshal(m.Interface())
	if err != nil {
		return nil, messageError(err)
	}
	w := &walker{finder: newFinder(), provider: p}
	w.change = w.decode
	if !w.has(m.Descriptor()) {
		return compact(text)
	}
	tree, err := parse(text, nil)
	if err != nil {
		return nil, err
	}
	if tree, err = w.object(m.Descriptor(), place{message: m, name: nameIn(request), tree: tree}); err != nil {
		return nil, err
	}
	return render(nil, tree), nil
}

// decode turns one value of a field into what is shown.
func (w *walker) decode(f protoreflect.FieldDescriptor, v place) (any, error) {
	if v.tree == nil {
		return nil, nil // an absent field, shown as an option asked
	}
	value := v.message.Get(f)
	switch {
	case f.IsList():
		value = value.List().Get(v.index)
	case f.IsMap():
		value = value.Map().Get(protoreflect.ValueOfString(v.key).MapKey())
	}
	switch w.spellingOf(f) {
	case spelledJSON:
		if text := value.Bytes(); json.Valid(text) {
			return json.RawMessage(text), nil
		}
		return v.tree, nil
	case spelledValue:
		return w.show(f, value.Message(), v)
	default:
		v.message = value.Message()
		return w.object(messageType(f), v)
	}
}

// show turns a DynamicValue into JSON.
func (w *walker) show(f protoreflect.FieldDescriptor, value protoreflect.Message, v place) (any, error) {
	packed, text := data(value, "msgpack"), data(value, "json")
	raw := object{{"$msgpack", base64.StdEncoding.EncodeToString(packed)}}
	if len(packed) == 0 {
		if len(text) == 0 {
			return raw, nil
		}
		tree, err := parse(text, v.at)
		return object{{"$json", tree}}, err
	}
	s, err := w.provider.lookup(subjectOf(f), v.name, v.index, v.at)
	if reason := reasonOf(err); reason != "" && reason != ReasonName && reason != ReasonType {
		return nil, err
	}
	if s == nil || err != nil {
		shown, err := fromMsgpack(packed, cty.NilType, v.at)
		if err != nil {
			return raw, nil //nolint:nilerr // the bytes are all there is to show
		}
		return json.RawMessage(shown), nil
	}
	shown, err := fromMsgpack(packed, s.ty, v.at)
	return json.RawMessage(shown), err
}
