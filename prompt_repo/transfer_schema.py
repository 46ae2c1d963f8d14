"""The JSON Schema of an export: what stands in its header and its items."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from prompt_repo.layout import ID
from prompt_repo.schema import schema as documents_schema
from prompt_repo.schema import validator_of

NUMBER = {"type": "integer", "minimum": 1}
WORDS = {"type": "string"}
IDENT = {
    "description": "use 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
    "type": "string",
    "pattern": f"^{ID.pattern}$",
    "not": {"const": "character"},
}
TIME = {
    "description": "write it as 2026-11-23T09:00:00Z",
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?"
    "(Z|[+-][0-9]{2}:[0-9]{2})$",
}
DOCUMENT = {
    "type": "string",
    "description": "The file as somebody wrote it by hand, comments and all; where the other "
    "fields say something else, they win.",
}
REMOVED = {"const": True, "description": "It stood here once, and was removed."}
KINDS = ("configuration", "character", "prompt")


@cache
def schema() -> Mapping[str, Any]:
    """The schema of a whole export, for those who make or read one."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An export of a prompt repository",
        "description": "Items are the configuration, characters and prompts; a prompt whose "
        "character is null is the default of its emotion. With versions, an item tells its whole "
        "history, oldest first.",
        "type": "object",
        "required": ["header", "items"],
        "additionalProperties": False,
        "properties": {
            "header": {"$ref": "#/$defs/header"},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            "checksum": {
                "description": "sha256 over the items: each as JSON, its keys in their order, "
                "without blanks or escapes that need not be, and a line feed after each.",
                "type": "string",
                "pattern": "^sha256:[0-9a-f]{64}$",
            },
        },
        "$defs": _definitions(),
    }


def validator(kind: str) -> Any:
    """What checks items of a kind, or the header."""
    return _validators()[kind]


@cache
def _validators() -> Mapping[str, Any]:
    shared = _definitions()
    return {
        name: validator_of({"$ref": f"#/$defs/{name}", "$defs": shared})
        for name in (*KINDS, "header")
    }


@cache
def _definitions() -> dict[str, Any]:
    known = dict(documents_schema()["$defs"])
    names = ("emotion", "variables", "tags")
    return {
        "header": _header(),
        "item": {"oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in KINDS]},
        "configuration": _item(
            "configuration", _content(known["configuration"], "format"), {}, ["emotions"]
        ),
        "character": _item(
            "character", _content(known["character"]), {"character": IDENT}, ["name"]
        ),
        "prompt": _item("prompt", _prompt(known["prompt"]), _key(), ["prompt_text"]),
        **{name: known[name] for name in names},
    }


def _header() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["format", "format_version"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": "prompt-repo"},
            "format_version": {"const": 1},
            "repository": {**WORDS, "description": "The commit the repository began with."},
            "environment": WORDS,
            "commit": {
                "description": "use a full commit id: 40 of 0-9 and a-f",
                "type": "string",
                "pattern": "^[0-9a-f]{40}$",
            },
            "exported_at": TIME,
            "versions": {"type": "boolean"},
            "selection": {"type": "object"},
        },
    }


def _content(definition: Mapping[str, Any], *without: str) -> dict[str, Any]:
    given = definition["properties"].items()
    return {name: value for name, value in given if name not in without}


def _prompt(definition: Mapping[str, Any]) -> dict[str, Any]:
    content = _content(definition)
    return {"prompt_text": content.pop("prompt"), **content}


def _key() -> dict[str, Any]:
    # An id or null: `anyOf` would tell of both where one is wrong.
    character = {**IDENT, "type": ["string", "null"]}
    return {"character": character, "emotion": IDENT}


def _item(
    kind: str, content: Mapping[str, Any], key: Mapping[str, Any], wanted: list[str]
) -> dict[str, Any]:
    """An item: which document it is, what it says, and its versions."""
    about = {"document": DOCUMENT, "removed": REMOVED}
    told = {
        "version": NUMBER,
        "created_by": {
            "type": "object",
            "required": ["name", "email"],
            "additionalProperties": False,
            "properties": {"name": WORDS, "email": WORDS},
        },
        "created_at": TIME,
        "reason": WORDS,
    }
    version = {
        "type": "object",
        "required": ["version", "created_by", "created_at", "reason"],
        "additionalProperties": False,
        "properties": {**told, **content, **about},
        **_unless_removed(wanted),
    }
    versions = {"type": "array", "minItems": 1, "items": version}
    return {
        "type": "object",
        "required": ["kind", *key],
        "additionalProperties": False,
        "properties": {"kind": {"const": kind}, **key, **content, **about, "versions": versions},
        **_unless_removed(wanted),
    }


def _unless_removed(wanted: list[str]) -> dict[str, Any]:
    return {"if": {"required": ["removed"]}, "else": {"required": wanted}}
