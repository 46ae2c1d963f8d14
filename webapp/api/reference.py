"""The API's description as people read it: operations in groups, the shape of bodies, examples."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Document = Mapping[str, Any]
EXAMPLES = {
    "env": "staging",
    "character": "aria",
    "emotion": "angry",
    "number": "1",
    "comment": "1",
}
WORDS = {
    "boolean": "true or false",
    "date-time": "time (RFC 3339, UTC)",
    "string": "text",
    "uuid": "UUID",
}
COMMIT_PATTERN = "^[0-9a-f]{40}$"
SIMPLE = {"Environment": "environment", "CharacterId": "character id", "EmotionId": "emotion"}
DEEPEST = 4  # levels of a body that an example goes into


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to send or to get: what kind it is in words, around the name of its shape."""

    name: str
    kind: str
    shape: str = ""
    after: str = ""
    required: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A status, what it means, and the shape of its body if it has one."""

    status: str
    about: str
    shape: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation, with a call of it that can be pasted."""

    ident: str
    method: str
    path: str
    summary: str
    about: str
    asked: tuple[Field, ...]
    body: str
    fields: tuple[Field, ...]
    answers: tuple[Answered, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that belong together."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A body, field by field."""

    name: str
    about: str
    fields: tuple[Field, ...]


def groups(document: Document, host: str) -> list[Group]:
    """Every operation under its tag, in the document's order; `host` stands in the examples."""
    found: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            entry = _entry(document, host, method.upper(), path, operation)
            found[operation["tags"][0]].append(entry)
    return [Group(name, tuple(entries)) for name, entries in found.items()]


def shapes(document: Document) -> list[Shape]:
    """Every body that has fields, by name."""
    components = document["components"]["schemas"]
    return [
        Shape(name, schema.get("description", ""), tuple(_fields(components, schema)))
        for name, schema in sorted(components.items())
        if schema.get("properties")
    ]


def _entry(document: Document, host: str, method: str, path: str, operation: Schema) -> Entry:
    asked = [each for each in operation["parameters"] if each["in"] != "path"]
    body = _reference(_body(operation))
    components = document["components"]["schemas"]
    shape = components.get(body, {"properties": {}})
    return Entry(
        ident=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        about=operation["description"],
        asked=tuple(_asked(components, each) for each in asked),
        body=body,
        fields=tuple(_fields(components, shape)),
        answers=tuple(_answered(*item) for item in sorted(operation["responses"].items())),
        example=_example(document, host, method, path, operation),
    )


def _asked(components: Schema, parameter: Schema) -> Field:
    kind, shape, after = _kind(components, parameter["schema"])
    default = parameter["schema"].get("default")
    about = parameter.get("description", "")
    if default not in (None, "", []):
        about = f"{about} Without it: {json.dumps(default)}.".strip()
    return Field(parameter["name"], kind, shape, after, parameter.get("required", False), about)


def _answered(status: str, response: Schema) -> Answered:
    content = response.get("content", {})
    schemas = (_reference(each["schema"]) for each in content.values())
    return Answered(status, response["description"], next((name for name in schemas if name), ""))


def _body(operation: Schema) -> Schema:
    content = operation.get("requestBody", {}).get("content", {})
    schema: Schema = content.get("application/json", {}).get("schema", {})
    return schema


def _fields(components: Schema, schema: Schema) -> Iterator[Field]:
    required = schema.get("required", [])
    for name, each in schema["properties"].items():
        kind, shape, after = _kind(components, each)
        inner = next(
            (one["description"] for one in each.get("anyOf", []) if "description" in one), ""
        )
        about = each.get("description", inner)
        yield Field(name, kind, shape, after, name in required, about)


def _kind(components: Schema, schema: Schema) -> tuple[str, str, str]:
    """What may stand there: words, the name of a shape, and words after it."""
    if "anyOf" in schema:
        return _either(components, schema["anyOf"])
    if "$ref" in schema:
        name = _reference(schema)
        if name in SIMPLE:
            return SIMPLE[name], "", ""
        plain = "properties" not in components[name]
        return _kind(components, components[name]) if plain else ("", name, "")
    if schema.get("type") == "array":
        kind, shape, after = _kind(components, schema.get("items", {}))
        return f"list of {kind}", shape, after
    if isinstance(schema.get("additionalProperties"), dict):
        kind, shape, after = _kind(components, schema["additionalProperties"])
        return f"object of {kind}", shape, after
    return _word(schema), "", ""


def _either(components: Schema, kinds: list[Schema]) -> tuple[str, str, str]:
    first, *others = sorted(kinds, key=lambda kind: "$ref" not in kind and "items" not in kind)
    kind, shape, after = _kind(components, first)
    words = "".join(f" or {_kind(components, each)[0]}" for each in others)
    return kind, shape, after + words


def _word(schema: Schema) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "integer":
        return f"whole number{_bounds(schema)}"
    if schema.get("pattern") == COMMIT_PATTERN:
        return "commit id"
    word = str(schema.get("format") or schema.get("type") or "anything")
    return WORDS.get(word, word)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None:
        return ""
    return f", {low} to {high:,}" if high is not None and high < 10**9 else f", from {low}"


def _reference(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _example(document: Document, host: str, method: str, path: str, operation: Schema) -> str:
    """The call as a shell takes it."""
    filled = re.sub(r"\{(\w+)\}", lambda name: EXAMPLES.get(name[1], f"${name[1].upper()}"), path)
    query = "&".join(
        f"{each['name']}={_meant(each['schema'])}"
        for each in operation["parameters"]
        if each["in"] == "query" and each.get("required")
    )
    address = f'"{host}{filled}{"?" if query else ""}{query}"'
    lines = [f"curl {address}" if method == "GET" else f"curl -X {method} {address}"]
    lines.append('-H "Authorization: Bearer $TOKEN"')
    names = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    if method != "GET" and "If-Match" in names:
        lines.append("-H 'If-Match: *'")
    body = _body(operation)
    kinds = operation.get("requestBody", {}).get("content", {"application/json": {}})
    if len(kinds) > 1:  # a file
        lines += [f"-H 'Content-Type: {next(iter(kinds))}'", "--data-binary @prompts.json"]
    elif body and operation["requestBody"].get("required"):
        sent = json.dumps(_sample(document, body), ensure_ascii=False).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{sent}'"]
    return " \\\n  ".join(lines)


def _meant(schema: Schema) -> Any:
    """What a query may say."""
    return (schema.get("enum") or [schema.get("minimum", "x")])[0]


def _sample(document: Document, schema: Schema, depth: int = 0) -> Any:
    """A value that a schema allows, made of its examples and of what it requires."""
    if "$ref" in schema:
        return _sample(document, document["components"]["schemas"][_reference(schema)], depth)
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    if "anyOf" in schema:
        return _sample(document, schema["anyOf"][0], depth)
    if schema.get("type") == "array":
        return [_sample(document, schema["items"], depth + 1)] if depth < DEEPEST else []
    if "properties" in schema:
        return {
            name: _sample(document, each, depth + 1)
            for name, each in schema["properties"].items()
            if name in schema.get("required", []) or each.get("examples")
        }
    return "…"
