"""YAML from outside as plain values with the place of each: one bounded pass over its events."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from prompt_repo.errors import InvalidDocument, Problem

MAXIMUM = 11_000_000  # bytes: twice the longest prompt and notes a schema allows, for indentation
NODES = 20_000  # values and keys of one file; the schema allows a tenth of that
DEPTH = 8  # a configuration is four deep
UNHELD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
"""What a text can't hold, as no block scalar keeps it exactly: control characters, a carriage
return, NEL, LS, PS, surrogates, noncharacters. Three parsers (PyYAML with and without libyaml,
ruamel.yaml) were tried with every character; a BOM within a text is kept by all."""
UNREAD = re.compile(f"(?!\r\n){UNHELD.pattern}")  # in a file, a line may end with CRLF
MARKER = re.compile(r"^<{7} ", re.MULTILINE)
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
FORMS = (str.lower, str.capitalize, str.upper)
WORDS: dict[str, bool | None] = {"null": None, "true": True, "false": False}
CONSTANTS = {form(word): value for word, value in WORDS.items() for form in FORMS}
CONSTANTS |= {"": None, "~": None}


class Mark(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value and where it begins and ends; mappings and lists hold nodes.

    `keys` are the places of a mapping's keys. `style` is `|`, `>`, a quote or None for scalars,
    "block" or "flow" for mappings and lists.
    """

    value: Any
    mark: Mark
    end: Mark
    keys: dict[str, Mark] | None = None
    style: str | None = None

    def plain(self) -> Any:
        """The value alone, of dictionaries, lists, strings, numbers, booleans and None."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def parse(raw: bytes, path: str) -> Node:
    """The one document in `raw`.

    Raises InvalidDocument for what is no YAML, and for what YAML allows and we don't:
    anchors, aliases, tags, merge keys, a second document, a key twice, keys that are no text,
    characters that parsers read differently. Values follow YAML 1.2's core schema, so that
    `no` and `on` are texts.
    """
    text = decode(raw, path)
    try:
        return _Builder(path, yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as wrong:
        unmerged = MARKER.search(text)
        if unmerged:
            line = text.count("\n", 0, unmerged.start()) + 1
            raise _refusal(path, Mark(line, 1), "git's conflict markers were left in it") from wrong
        at = wrong.problem_mark or wrong.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else None
        raise _refusal(path, mark, f"this is not YAML: {wrong.problem or wrong.context}") from wrong
    except yaml.YAMLError as wrong:
        raise _refusal(path, None, f"this is not YAML: {wrong}") from wrong


def decode(raw: bytes, path: str) -> str:
    """The text of a file, without a BOM before it; raises InvalidDocument where it is none."""
    if len(raw) > MAXIMUM:
        raise _refusal(path, None, f"the file has more than the {MAXIMUM:,} bytes allowed")
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as wrong:
        mark = _place(raw[: wrong.start].decode())
        message = f"byte {wrong.start + 1} of the file (0x{raw[wrong.start]:02x}) is not UTF-8"
        raise _refusal(path, mark, message) from wrong
    found = UNREAD.search(text)
    if found is not None:
        name = f"U+{ord(found[0]):04X}" if found[0] != "\r" else "a carriage return within a line"
        mark = _place(text[: found.start()])
        raise _refusal(path, mark, f"this character ({name}) is not allowed in a file")
    return text


def _place(before: str) -> Mark:
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _refusal(path: str, mark: Mark | None, message: str) -> InvalidDocument:
    line, column = mark or (None, None)
    return InvalidDocument([Problem(path, message, line, column)])


class _Builder:
    """Nodes out of events, never deeper than DEPTH nor more than NODES."""

    def __init__(self, path: str, events: Iterator[yaml.Event]) -> None:
        self._path = path
        self._events = events
        self._left = NODES

    def document(self) -> Node:
        """The stream's only document."""
        next(self._events)  # the stream's start
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise _refusal(self._path, Mark(1, 1), "the file is empty")
        root = self._node(next(self._events), 0)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refused(after, "a second document begins here; one is allowed")
        return root

    def _refused(self, event: yaml.Event, message: str) -> InvalidDocument:
        return _refusal(self._path, _start(event), message)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._left -= 1
        if self._left < 0:
            raise self._refused(event, f"the file has more than {NODES:,} values")
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, "aliases (*name) are not allowed here; write the value out")
        if getattr(event, "anchor", None):
            raise self._refused(event, "anchors (&name) are not allowed here")
        if getattr(event, "tag", None):
            raise self._refused(event, "tags (!name) are not allowed here")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth >= DEPTH:
            raise self._refused(event, f"nested more than {DEPTH} deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        value = event.value if event.style else resolved(event.value)
        if event.style == '"' and (found := UNHELD.search(value)):
            name = f"U+{ord(found[0]):04X}"
            raise self._refused(event, f"this text holds {name}, which no block of text can keep")
        return Node(value, _start(event), _end(event), style=event.style)

    def _sequence(self, start: yaml.Event, depth: int) -> Node:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Node(items, _start(start), _end(event), style=_style(start))

    def _mapping(self, start: yaml.Event, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, keys, depth)
            keys[key] = _start(event)
            values[key] = self._node(next(self._events), depth + 1)
        return Node(values, _start(start), _end(event), keys, _style(start))

    def _key(self, event: yaml.Event, before: dict[str, Mark], depth: int) -> str:
        key = self._node(event, depth + 1).value
        if not isinstance(key, str):
            raise self._refused(event, "a key must be text")
        if key == "<<":
            raise self._refused(event, "merge keys (<<) are not allowed here")
        if key in before:
            shown = key[:80]
            raise self._refused(event, f"{shown!r} stands here already, in line {before[key].line}")
        return key


def _start(event: yaml.Event) -> Mark:
    assert event.start_mark is not None
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _end(event: yaml.Event) -> Mark:
    assert event.end_mark is not None
    return Mark(event.end_mark.line + 1, event.end_mark.column + 1)


def _style(start: yaml.Event) -> str:
    return "flow" if getattr(start, "flow_style", False) else "block"


def resolved(word: str) -> Any:
    """What a plain scalar means in YAML 1.2's core schema."""
    if word in CONSTANTS:
        return CONSTANTS[word]
    if INTEGER.fullmatch(word):
        return int(word, 0 if word[1:2] in ("o", "x") else 10) if len(word) < 40 else float("inf")
    if FLOAT.fullmatch(word):
        return float(word.replace(".", "") if word[-1] in "fFnN" else word)
    return word
