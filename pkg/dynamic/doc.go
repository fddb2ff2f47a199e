// Package dynamic shows and reads the values of Terraform's plugin protocols as
// plain JSON. In tfplugin5 and tfplugin6 they travel as bytes in a message
// DynamicValue, whose type is not in the message: it follows from the provider's
// own schema and from the call. A [Provider] knows both.
//
// # Notation
//
// Strings, booleans, numbers and null are themselves; lists, sets and tuples are
// arrays; maps, objects and nested blocks are objects. Numbers are exact: a
// double that is sent for 0.1 reads
// 0.1000000000000000055511151231257827021181583404541015625, which for Terraform
// is another number than the decimal 0.1.
//
// An object that has a key with one leading dollar sign is no data:
//
//	{"$unknown": true}                     not known yet
//	{"$unknown": {"not_null": true}}       not known, but this is; also "null",
//	                                       "prefix" (strings), "min", "above", "max",
//	                                       "below" (numbers: "min" and "max" are
//	                                       included, the others not), "min_length",
//	                                       "max_length" (collections)
//	{"$type": "string", "$value": "x"}     where the schema has a dynamic type; the
//	                                       type is written as in the schema, for
//	                                       example ["list","string"]
//	{"$number": "inf"}                     infinity, or "-inf"
//
// Data with such a key is written with one dollar sign more: the map
// {"$unknown": "x"} is {"$$unknown": "x"}, and {"$$x": 1} is {"$$$x": 1}.
//
// Where a dynamic type is expected, input may be plain JSON, too: an array is
// then a tuple, and an object an object.
//
// In place of a whole DynamicValue stands {"$msgpack": "BASE64"} for its bytes as
// they are, and {"$json": …} when the provider chose JSON over MessagePack. A
// value that is null and a field that is absent are two things: "config": null is
// a DynamicValue of null.
//
// # Input
//
// Optional and computed attributes that are missing become null, and nested
// blocks that are missing become what Terraform sends for none of them: null for
// a single block, an empty collection, or, for a group, an object of nulls. All
// else must be given, null where null is meant.
//
// # Without a schema
//
// A nil *Provider, and a type that a reply names and the schema does not have,
// leave only the bytes to go by. The notation is the same then, but nothing is
// checked or filled in, numbers that travel as text stay strings, and what cannot
// be told apart is shown as "$msgpack". What an unknown value is known to be is
// shown and not sent.
package dynamic
