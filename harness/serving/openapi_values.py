"""What an app's OpenAPI schema says of a value: examples, defaults, and the shape of a body. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEPTH = 5
_REFERENCES = 10
_EMPTY: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": False}


def example_of(parameter: Mapping[str, Any], schema: Any) -> str | None:
    """The first example of a parameter, else its default, as a text; None where there is none."""
    described = resolved_reference(parameter.get("schema"), schema)
    candidates = [*_examples(parameter), *_examples(described), described.get("const"), described.get("default")]
    for candidate in candidates:
        if isinstance(candidate, bool):
            return str(candidate).lower()
        if isinstance(candidate, str | int | float):
            return str(candidate)
    return None


def body_shape(media: Mapping[str, Any], schema: Any) -> Any:
    """An example of a body; without one the fields that it must have, empty, to be filled in."""
    return next(iter(_examples(media)), None) or _shape(media.get("schema"), schema, _DEPTH)


def resolved_reference(value: Any, schema: Any) -> Mapping[str, Any]:
    """Follows `$ref` within the schema."""
    for _ in range(_REFERENCES):
        reference = mapping_of(value).get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        value = schema
        for part in reference.removeprefix("#/").split("/"):
            value = mapping_of(value).get(part)
    return mapping_of(value)


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Empty where it is none: schemas are foreign."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _examples(described: Mapping[str, Any]) -> list[Any]:
    """`example`, and `examples` as parameters have them (a mapping) and as JSON Schema has them (a list)."""
    examples = described.get("examples")
    named = [mapping_of(each).get("value") for each in mapping_of(examples).values()]
    found = [described.get("example"), *named, *list_of(examples)]
    return [example for example in found if example is not None]


def _shape(described: Any, schema: Any, depth: int) -> Any:
    if depth == 0:
        return {}
    found = resolved_reference(described, schema)
    for value in (*_examples(found), found.get("const"), found.get("default"), *list_of(found.get("enum"))):
        if value is not None:
            return value
    for choice in (*list_of(found.get("anyOf")), *list_of(found.get("oneOf"))):
        if mapping_of(choice).get("type") != "null":
            return _shape(choice, schema, depth - 1)
    return _shape_of_type(found, schema, depth)


def _shape_of_type(found: Mapping[str, Any], schema: Any, depth: int) -> Any:
    if parts := list_of(found.get("allOf")):
        shapes = [_shape(part, schema, depth - 1) for part in parts]
        return {name: value for shape in shapes for name, value in mapping_of(shape).items()}
    types = [found.get("type"), *list_of(found.get("type"))]  # a text, or since OpenAPI 3.1 a list of them
    kind = next((each for each in types if isinstance(each, str) and each != "null"), "")
    if kind == "array":
        return [_shape(found.get("items"), schema, depth - 1)]
    if kind in _EMPTY:
        return _EMPTY[kind]
    required = list_of(found.get("required"))
    properties = mapping_of(found.get("properties")).items()
    return {str(name): _shape(each, schema, depth - 1) for name, each in properties if name in required}
