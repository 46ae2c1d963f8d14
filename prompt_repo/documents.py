"""YAML <-> values, checked against prompts-schema.json; errors name line, column and field."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from prompt_repo import yaml_text, yaml_tree
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import Kind, place_of
from prompt_repo.model import Character, Configuration, Emotion, Limits, Prompt
from prompt_repo.schema import problems, schema
from prompt_repo.yaml_splice import splice

__all__ = [
    "Document",
    "check_prompt",
    "dump",
    "edit",
    "is_small",
    "normalise",
    "over_limits",
    "parse",
    "readable",
    "schema",
    "written",
]

Document = Configuration | Character | Prompt
PROBLEMS_SHOWN = 200
MOST_BYTES = 4  # of one character in UTF-8


def parse(raw: bytes, path: str) -> Document:
    """The value of a file; the path tells which kind of document it must be.

    Raises InvalidDocument with every problem found, each with its place.
    """
    place = place_of(path)
    if place is None:
        raise InvalidDocument([Problem(path, "no document of a prompt repository stands here")])
    root = yaml_tree.parse(raw, path)
    plain = root.plain()
    found = problems(root, plain, place.kind, path)
    if found:
        raise InvalidDocument(found[:PROBLEMS_SHOWN])
    return _value(plain, place.kind, place.character or "")


def _value(plain: Any, kind: Kind, character: str) -> Document:
    if kind is Kind.CONFIGURATION:
        return Configuration(
            emotions=tuple(Emotion(**each) for each in plain["emotions"]),
            variables=plain.get("variables", {}),
            limits=Limits(**{name: int(size) for name, size in plain.get("limits", {}).items()}),
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


def readable(raw: bytes, path: str) -> str:
    """What a prompt's file says; of one that is no valid document all that it holds.

    So what plain Git broke can still be shown, compared, and mended.
    """
    try:
        value = parse(raw, path)
    except InvalidDocument:
        return normalise(raw.decode(errors="replace"))
    if not isinstance(value, Prompt):
        raise TypeError(f"{path} holds a {type(value).__name__}, not a prompt")
    return value.text


def normalise(text: str) -> str:
    """The text with CRLF as LF, and nothing else changed."""
    return text.replace("\r\n", "\n")


def check_prompt(prompt: Prompt, limits: Limits, path: str) -> list[Problem]:
    """What keeps a prompt from being saved: no visible character, too long, what YAML can't hold.

    Lines and columns count within the text; `field` says which of the texts.
    """
    found = yaml_text.check_text(prompt.text, path, "prompt")
    found += yaml_text.check_text(prompt.notes, path, "notes")
    for tag in prompt.tags:
        found += yaml_text.check_text(tag, path, "tags")
    if found:
        return found  # a surrogate has no size in UTF-8
    if not prompt.text.strip():
        message = "the text is empty; write at least one visible character"
        found.append(Problem(path, message, field="prompt"))
    return [*found, *over_limits(prompt, limits, path)]


def over_limits(prompt: Prompt, limits: Limits, path: str) -> Iterator[Problem]:
    """What is too large in a prompt; all that can be wrong with one that came from a document."""
    if is_small(prompt, limits):
        return
    sizes = (
        ("prompt", "the text has", len(prompt.text.encode()), limits.prompt_bytes, "bytes"),
        ("notes", "the notes have", len(prompt.notes.encode()), limits.notes_bytes, "bytes"),
        ("tags", "there are", len(prompt.tags), limits.tags, "tags"),
    )
    for field, begins, size, limit, unit in sizes:
        if size > limit:
            setting = "limits." + {"prompt": "prompt_bytes", "notes": "notes_bytes"}.get(
                field, field
            )
            message = f"{begins} {size:,} {unit}, {limit:,} are allowed ({setting} in prompts.yaml)"
            yield Problem(path, message, field=field)


def is_small(prompt: Prompt, limits: Limits) -> bool:
    """Whether a prompt is so short, and has so little besides, that no limit can be passed."""
    small = len(prompt.text) * MOST_BYTES < limits.prompt_bytes
    return small and not prompt.notes and not prompt.tags


def dump(value: Document, path: str = "") -> bytes:
    """The canonical YAML of a value.

    It is read back before it is given out, and refused (InvalidDocument) if it would not say
    the same; what YAML can't hold is named with its place in the text.
    """
    for key, field in _fields(value).items():
        for text in _texts(field):
            yaml_text.require_text(text, path, key)
    raw = written(value)
    if not (isinstance(value, Prompt) and value == Prompt(value.text) and value.text.strip()):
        _require_same(raw, value, path)  # a literal block alone says what its lines say
    return raw


def written(value: Document) -> bytes:
    """The canonical YAML of a value that came from YAML; `dump` is for what came from people."""
    entries = (yaml_text.entry(key, field) for key, field in _fields(value).items())
    return "".join(entries).encode()


def edit(raw: bytes | None, path: str, value: Document) -> bytes:
    """The file `raw` with what differs from `value` rewritten, the rest as it was.

    Comments, order and style of a hand-written file stay (CRLF becomes LF where anything
    changes). A file in flow style, or one that can't be edited so, is written anew, and so is
    one that was no valid document. Raises InvalidDocument.
    """
    if raw is None:
        return dump(value, path)
    try:
        before = parse(raw, path)
    except InvalidDocument:
        return dump(value, path)  # nothing of it can be told apart to be kept
    if before == value:
        return raw
    written = dump(value, path)
    text = normalise(yaml_tree.decode(raw, path))
    root = yaml_tree.parse(text.encode(), path)
    if root.style != "block":
        return written
    spliced = splice(text, root, _fields(before), _fields(value)).encode()
    return spliced if _says(spliced, value, path) else written


def _says(raw: bytes, value: Document, path: str) -> bool:
    try:
        _require_same(raw, value, path)
    except InvalidDocument:
        return False
    return True


def _require_same(raw: bytes, value: Document, path: str) -> None:
    place = path or _any_path(value)
    try:
        read = parse(raw, place)
    except InvalidDocument as wrong:
        raise InvalidDocument([replace(each, path=path) for each in wrong.problems]) from wrong
    if isinstance(read, Character) and isinstance(value, Character):
        read = replace(read, id=value.id)  # the id stands in the path, not in the file
    if read != value:
        raise InvalidDocument([Problem(path, "this does not come back the same from YAML")])


def _any_path(value: Document) -> str:
    if isinstance(value, Configuration):
        return "prompts.yaml"
    if isinstance(value, Character):
        return "characters/any/character.yaml"
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
    return {key: field for key, field in fields.items() if field or key in ("prompt", "name")}


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


def _texts(field: Any) -> list[str]:
    if isinstance(field, str):
        return [field]
    if isinstance(field, Mapping):
        return [text for pair in field.items() for each in pair for text in _texts(each)]
    if isinstance(field, list):
        return [text for each in field for text in _texts(each)]
    return []
