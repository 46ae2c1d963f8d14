"""YAML <-> values, checked against prompts-schema.json; errors name line, column and field."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from prompt_repo import yaml_text, yaml_tree
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import Kind, place_of
from prompt_repo.model import Character, Configuration, Emotion, Limits, Prompt
from prompt_repo.yaml_tree import Mark, Node

Document = Configuration | Character | Prompt
TEXTS = frozenset({"prompt", "notes", "description"})
"""Keys whose values people write at length; they become literal blocks."""
PROBLEMS_SHOWN = 200


@cache
def schema() -> Mapping[str, Any]:
    """prompts-schema.json, from the checkout or from inside an installed package."""
    here = Path(__file__).parent
    for folder in (here, here.parent):
        file = folder / "prompts-schema.json"
        if file.exists():
            loaded: Mapping[str, Any] = json.loads(file.read_text())
            return loaded
    raise FileNotFoundError("prompts-schema.json stands neither in the package nor beside it")


@cache
def _validator(kind: Kind) -> Draft202012Validator:
    name = "prompt" if kind in (Kind.DEFAULT, Kind.OVERRIDE) else kind.value
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]})


def parse(raw: bytes, path: str) -> Document:
    """The value of a file; the path tells which kind of document it must be.

    Raises InvalidDocument with every problem found, each with its place.
    """
    place = place_of(path)
    if place is None:
        raise InvalidDocument([Problem(path, "no document of a prompt repository stands here")])
    root = yaml_tree.parse(raw, path)
    plain = root.plain()
    problems = [_problem(root, path, error) for error in _validator(place.kind).iter_errors(plain)]
    problems = problems or _beyond_the_schema(root, place.kind, path)
    if problems:
        ordered = sorted(problems, key=lambda each: (each.line or 0, each.column or 0))
        raise InvalidDocument(ordered[:PROBLEMS_SHOWN])
    return _value(plain, place.kind, place.character or "")


def normalise(text: str) -> str:
    """The text with CRLF as LF, and nothing else changed."""
    return text.replace("\r\n", "\n")


def check_prompt(prompt: Prompt, limits: Limits, path: str) -> list[Problem]:
    """What keeps a prompt from being saved: no visible character, too long, what YAML can't hold."""
    problems = yaml_text.check_text(prompt.text, path, "prompt")
    problems += yaml_text.check_text(prompt.notes, path, "notes")
    if problems:
        return problems
    if not prompt.text.strip():
        problems.append(
            Problem(path, "the text is empty; write at least one character", field="prompt")
        )
    size = len(prompt.text.encode())
    if size > limits.prompt_bytes:
        message = f"the text has {size:,} bytes, {limits.prompt_bytes:,} are allowed"
        problems.append(
            Problem(path, f"{message} (limits.prompt_bytes in prompts.yaml)", field="prompt")
        )
    size = len(prompt.notes.encode())
    if size > limits.notes_bytes:
        message = f"the notes have {size:,} bytes, {limits.notes_bytes:,} are allowed"
        problems.append(Problem(path, message, field="notes"))
    if len(prompt.tags) > limits.tags:
        message = f"there are {len(prompt.tags)} tags, {limits.tags} are allowed"
        problems.append(Problem(path, message, field="tags"))
    return problems


def dump(value: Document, path: str = "") -> bytes:
    """The canonical YAML of a value.

    It is read back before it is given out, and refused (InvalidDocument) if it would not say
    the same; what YAML can't hold is named with its place in the text.
    """
    fields = _fields(value)
    _check_fields(fields, path)
    raw = "".join(_entry(key, field) for key, field in fields.items()).encode()
    _require_same(raw, value, path)
    return raw


def edit(raw: bytes | None, path: str, value: Document) -> bytes:
    """The file `raw` with the keys that differ from `value` rewritten, the rest as it was.

    Comments, order and style of a hand-written file stay. A file in flow style, or one that
    can't be edited so, is written anew. Raises InvalidDocument.
    """
    if raw is None:
        return dump(value, path)
    try:
        before = parse(raw, path)
    except InvalidDocument:
        return dump(value, path)  # what stood there was no document: nothing of it to keep
    if before == value:
        return raw
    spliced = _splice(raw, path, _fields(before), _fields(value))
    if spliced is not None:
        try:
            _require_same(spliced, value, path)
        except InvalidDocument:
            return dump(value, path)
        return spliced
    return dump(value, path)


def _require_same(raw: bytes, value: Document, path: str) -> None:
    place = path or _any_path(value)
    read = parse(raw, place)
    if isinstance(read, Character) and isinstance(value, Character):
        read = replace(read, id=value.id)  # the id stands in the path, not in the file
    if read != value:
        raise InvalidDocument([Problem(place, "this text does not come back the same from YAML")])


def _any_path(value: Document) -> str:
    if isinstance(value, Configuration):
        return "prompts.yaml"
    if isinstance(value, Character):
        return f"characters/{value.id}/character.yaml"
    return "defaults/any.yaml"


def _fields(value: Document) -> dict[str, Any]:
    """A value's keys in canonical order; what is empty or as always is left out."""
    if isinstance(value, Prompt):
        fields: dict[str, Any] = {
            "prompt": value.text,
            "notes": value.notes,
            "tags": list(value.tags),
        }
    elif isinstance(value, Character):
        fields = {
            "name": value.name,
            "description": value.description,
            "variables": dict(value.variables),
            "tags": list(value.tags),
            "archived": value.archived,
        }
    else:
        fields = _configuration_fields(value)
    return {key: field for key, field in fields.items() if field or key == "prompt"}


def _configuration_fields(value: Configuration) -> dict[str, Any]:
    usual = Limits()
    names = ("prompt_bytes", "notes_bytes", "tags")
    limits = {name: getattr(value.limits, name) for name in names}
    return {
        "format": value.format,
        "emotions": [
            {"id": each.id, "label": each.label, "colour": each.colour} for each in value.emotions
        ],
        "variables": dict(value.variables),
        "limits": {name: size for name, size in limits.items() if size != getattr(usual, name)},
    }


def _check_fields(fields: Mapping[str, Any], path: str) -> None:
    for key, field in fields.items():
        texts = [field] if isinstance(field, str) else _texts(field)
        for text in texts:
            yaml_text.require_text(text, path, key)


def _texts(field: Any) -> list[str]:
    if isinstance(field, str):
        return [field]
    if isinstance(field, dict):
        return [text for pair in field.items() for each in pair for text in _texts(each)]
    if isinstance(field, list):
        return [text for each in field for text in _texts(each)]
    return []


def _entry(key: str, field: Any) -> str:
    """One top-level key with its value, ending with a line feed."""
    if key == "prompt" or (key in TEXTS and "\n" in field):
        return yaml_text.block(key, field)
    if isinstance(field, dict):
        lines = (f"{yaml_text.INDENT}{_pair(name, value)}\n" for name, value in field.items())
        return f"{key}:\n{''.join(lines)}"
    if key == "emotions":
        lines = (f"{yaml_text.INDENT}- {yaml_text.inline(each)}\n" for each in field)
        return f"{key}:\n{''.join(lines)}"
    return f"{key}: {yaml_text.inline(field)}\n"


def _pair(name: str, value: Any) -> str:
    return yaml_text.inline({name: value}).removeprefix("{").removesuffix("}")


def _splice(
    raw: bytes, path: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> bytes | None:
    """The file with only the lines of differing top-level keys replaced; None if it can't be."""
    root = yaml_tree.parse(raw, path)
    if root.style != "block" or root.keys is None:
        return None
    text = raw.decode()
    lines = text.splitlines(keepends=True) if "\r" not in text else None
    if lines is None or "".join(lines).count("\n") != len(lines) - (not text.endswith("\n")):
        return None  # other line breaks than LF: written anew
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    spans = _spans(root, lines)
    changed = [key for key in (*before, *after) if before.get(key) != after.get(key)]
    for key in sorted(set(changed) & set(spans), key=lambda key: -spans[key][0]):
        start, end = spans[key]
        lines[start:end] = [_entry(key, after[key])] if key in after else []
    lines += [_entry(key, field) for key, field in after.items() if key not in spans]
    return "".join(lines).encode()


def _spans(root: Node, lines: list[str]) -> dict[str, tuple[int, int]]:
    """The lines of each top-level key with its value; comments and blanks after it stay out."""
    assert root.keys is not None
    starts = sorted((mark.line - 1, key) for key, mark in root.keys.items())
    spans = {}
    for position, (start, key) in enumerate(starts):
        end = starts[position + 1][0] if position + 1 < len(starts) else len(lines)
        style = root.value[key].style
        while end > start + 1 and _outside(lines[end - 1], style):
            end -= 1
        spans[key] = (start, end)
    return spans


def _outside(line: str, style: str | None) -> bool:
    """Whether a line after a value is none of it: a comment, or a blank outside a block."""
    if style in ("|", ">"):
        return line.startswith("#")
    return not line.strip() or line.lstrip().startswith("#")


def _problem(root: Node, path: str, error: ValidationError) -> Problem:
    """A schema error with its place in the file."""
    node, field = root, ""
    mark: Mark | None = root.mark
    for step in error.absolute_path:
        mark = node.keys[step] if node.keys is not None and isinstance(step, str) else None
        node = node.value[step]
        mark = node.mark if mark is None or not isinstance(node.value, dict | list) else mark
        field = f"{field}[{step}]" if isinstance(step, int) else f"{field}.{step}".lstrip(".")
    message, valid, key = _sentence(error)
    if key is not None and node.keys is not None and key in node.keys:
        mark, field = node.keys[key], f"{field}.{key}".lstrip(".")
    line, column = mark or (None, None)
    return Problem(path, message, line, column, field, valid)


def _sentence(error: ValidationError) -> tuple[str, tuple[str, ...], str | None]:
    """What is wrong in words, what would be valid, and the key it is about."""
    rule = error.validator
    found: Any = error.instance
    wanted: Any = error.validator_value
    schema: Any = error.schema
    if rule == "additionalProperties" and isinstance(wanted, bool):
        allowed = tuple(schema["properties"])
        extra = next(key for key in found if key not in allowed)
        return f"unknown key {extra!r}; allowed are {', '.join(allowed)}", allowed, extra
    if rule == "required":
        missing = next(key for key in wanted if key not in found)
        return f"the key {missing!r} is missing", tuple(wanted), None
    if rule == "type":
        return f"this must be {_kind(wanted)}, not {_kind_of(found)}", (wanted,), None
    if rule == "const":
        return f"this must be {wanted!r}", (str(wanted),), None
    if error.parent is not None or "propertyNames" in error.absolute_schema_path:
        name = str(found)
        return f"{name[:80]!r} is no name for a variable here", (), name
    if rule == "pattern" and wanted == "\\S":
        return "this is empty; write at least one visible character", (), None
    if rule == "not":
        return f"{str(found)[:80]!r} is reserved", (), None
    return f"{error.message[:300]}", (), None


NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _kind(name: str) -> str:
    return NAMES.get(name, name)


def _kind_of(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    kinds = {dict: "a mapping", list: "a list", str: "text", int: "a number", float: "a number"}
    return kinds.get(type(value), type(value).__name__)


def _beyond_the_schema(root: Node, kind: Kind, path: str) -> list[Problem]:
    """What a JSON schema can't say: an emotion's id stands once."""
    if kind is not Kind.CONFIGURATION:
        return []
    seen: dict[str, int] = {}
    problems = []
    for number, node in enumerate(root.value["emotions"].value):
        ident = node.value["id"]
        if ident.value in seen:
            message = (
                f"the emotion {ident.value!r} stands here already, in line {seen[ident.value]}"
            )
            problems.append(
                Problem(path, message, ident.mark.line, ident.mark.column, f"emotions[{number}].id")
            )
        seen.setdefault(ident.value, ident.mark.line)
    return problems


def _value(plain: Any, kind: Kind, character: str) -> Document:
    if kind is Kind.CONFIGURATION:
        return Configuration(
            emotions=tuple(Emotion(**each) for each in plain["emotions"]),
            variables=plain.get("variables", {}),
            limits=Limits(**plain.get("limits", {})),
        )
    if kind is Kind.CHARACTER:
        return Character(
            id=character,
            name=plain["name"],
            description=plain.get("description", ""),
            variables=plain.get("variables", {}),
            tags=tuple(plain.get("tags", ())),
            archived=plain.get("archived", False),
        )
    return Prompt(plain["prompt"], plain.get("notes", ""), tuple(plain.get("tags", ())))
