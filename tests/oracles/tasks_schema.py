"""Which values fit which JSON Schemas, by the jsonschema package (drafts 7 and 2020-12).

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/tasks_schema.py`. Writes tests/golden/tasks/schemas.json.
"""

import json
import pathlib

from jsonschema import Draft7Validator, Draft202012Validator

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks"

NODE = {"$defs": {"node": {"type": "object", "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}}, "required": ["value"]}}, "$ref": "#/$defs/node"}
SCHEMAS = [
    True, False, {}, {"type": "integer"}, {"type": "number"}, {"type": ["string", "null"]}, {"type": "array"}, {"type": "boolean"}, {"enum": [1, "a", None, [1, 2], {"a": 1, "b": [2]}]}, {"const": {"b": [2], "a": 1}},
    {"const": 0}, {"const": False}, {"const": 2**53}, {"maximum": 2**53}, {"multipleOf": 1e-300}, {"enum": [[False], 1.0]}, {"minimum": 2, "maximum": 5}, {"exclusiveMinimum": 2, "exclusiveMaximum": 5.5}, {"multipleOf": 3}, {"multipleOf": 0.5}, {"multipleOf": 0.01},
    {"minLength": 2, "maxLength": 3}, {"pattern": "^[a-c]+$"}, {"pattern": "b"}, {"type": "string", "format": "date", "title": "x"}, {"items": {"type": "integer"}}, {"items": False}, {"minItems": 1, "maxItems": 2},
    {"uniqueItems": True}, {"contains": {"const": 2}}, {"contains": {"type": "integer"}, "minContains": 2, "maxContains": 3}, {"contains": {"const": 2}, "minContains": 0}, {"contains": {"const": 9}, "maxContains": 1},
    {"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}}, {"prefixItems": [{"type": "integer"}]}, {"items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False}, {"items": [{"type": "integer"}]},
    {"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}, {"additionalProperties": False}, {"properties": {"a": True}, "patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}, {"propertyNames": {"maxLength": 1}}, {"minProperties": 1, "maxProperties": 2}, {"dependentRequired": {"a": ["b"]}}, {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"allOf": [{"type": "integer"}, {"minimum": 3}]}, {"anyOf": [{"type": "string"}, {"minimum": 3}]}, {"oneOf": [{"type": "integer"}, {"minimum": 3}]}, {"not": {"type": "integer"}}, {"not": {}},
    {"if": {"type": "integer"}, "then": {"minimum": 3}, "else": {"type": "string"}}, {"if": {"type": "integer"}, "then": {"minimum": 3}}, {"if": {"type": "integer"}, "else": {"minLength": 2}}, NODE,
    {"definitions": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/definitions/n"}, "b": {"$ref": "#"}}}, {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 3},
]
VALUES = [
    None, True, False, 0, 1, 1.0, 2, 3, 4.5, 5, 6, -3, 2.5, 1e20, 0.07, 2**53 + 1, 2.0**53, 2**64 - 1, 1e300, [2**53, 2.0**53, 2**53 + 1], "", "a", "b", "ab", "abc", "abcd", "éé", "🙂🙃🙂", "2026-04-02", "null", [], [1], [1, 2], [1, 2, 2], [1, 1.0], [0, False], [2, 2, 2, 2], [1, "a"], [1, "a", None],
    [1, "a", 3], ["a"], [[1, 2], [1, 2]], [[1, {"a": 2}], [1.0, {"a": 2.0}]], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [False], {}, {"a": 1}, {"a": "x"}, {"a": 1, "b": [2]}, {"b": [2], "a": 1}, {"b": 1}, {"a": 1, "x1": 2}, {"a": 1, "x1": "s"}, {"ab": 1}, {"a": None, "b": None, "c": None},
    {"value": 1, "next": {"value": 2, "next": None}}, {"value": 1, "next": {"value": "x"}}, {"value": 1, "next": 3}, {"a": 1, "b": {"a": "x"}}, {"a": "s", "q": "t"}, {"a": "s", "q": 3},
]


def validator(schema):
    tuples = isinstance(schema, dict) and isinstance(schema.get("items"), list)
    return (Draft7Validator if tuples else Draft202012Validator)(schema)


def main():
    rows = [{"schema": schema, "fits": "".join("1" if validator(schema).is_valid(value) else "0" for value in VALUES)} for schema in SCHEMAS]
    text = json.dumps({"values": VALUES, "schemas": rows}, ensure_ascii=False, separators=(",", ":")).replace('},{"schema"', '},\n{"schema"')
    (GOLDEN / "schemas.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
