"""YAML from outside as plain values with the place of each: one bounded pass over its events."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from prompt_repo.errors import InvalidDocument, Problem

MAXIMUM = 5_000_000  # bytes: the largest prompt a repository can allow, doubled by its indentation
DEPTH = 8  # a configuration is four deep
INTEGER = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
CONSTANTS = {"null": None, "~": None, "": None, "true": True, "false": False}
CONSTANTS |= {word.capitalize(): value for word, value in list(CONSTANTS.items())}
CONSTANTS |= {word.upper(): value for word, value in list(CONSTANTS.items())}


class Mark(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value and where it began; mappings and lists hold nodes.

    `keys` are the places of a mapping's keys; `end_line` is the line after the node.
    """

    value: Any
    mark: Mark
    end_line: int
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
    anchors, aliases, tags, merge keys, a second document, a key twice, keys that are no text.
    Values follow YAML 1.2's core schema, so that `no` and `on` are texts.
    """
    if len(raw) > MAXIMUM:
        raise _refusal(path, None, f"the file has {len(raw):,} bytes, {MAXIMUM:,} are allowed")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        column = wrong.start - raw.rfind(b"\n", 0, wrong.start)
        raise _refusal(path, Mark(line, column), "this byte is not UTF-8") from wrong
    try:
        return _Builder(path, yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as wrong:
        at = wrong.problem_mark or wrong.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else None
        raise _refusal(path, mark, f"this is not YAML: {wrong.problem or wrong}") from wrong
    except yaml.YAMLError as wrong:
        raise _refusal(
            path, _reader_mark(text, wrong), f"this is not YAML: {_first(wrong)}"
        ) from wrong


def _refusal(path: str, mark: Mark | None, message: str, field: str = "") -> InvalidDocument:
    line, column = mark or (None, None)
    return InvalidDocument([Problem(path, message, line, column, field)])


def _first(wrong: Exception) -> str:
    return str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__


def _reader_mark(text: str, wrong: Exception) -> Mark | None:
    position = getattr(wrong, "position", None)
    if not isinstance(position, int):
        return None
    before = text.encode()[:position].decode(errors="replace")
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))


class _Builder:
    """Nodes out of events, never deeper than DEPTH."""

    def __init__(self, path: str, events: Iterator[yaml.Event]) -> None:
        self._path = path
        self._events = events

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
        return _refusal(self._path, _mark(event), message)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, "aliases (*name) are not allowed here; write the value out")
        if getattr(event, "anchor", None):
            raise self._refused(event, "anchors (&name) are not allowed here")
        if getattr(event, "tag", None):
            raise self._refused(event, "tags (!name) are not allowed here")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if depth >= DEPTH:
            raise self._refused(event, f"nested more than {DEPTH} deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _sequence(self, start: yaml.Event, depth: int) -> Node:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Node(items, _mark(start), _end(event))

    def _mapping(self, start: yaml.Event, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1).value
            if not isinstance(key, str):
                raise self._refused(event, "a key must be text")
            if key == "<<":
                raise self._refused(event, "merge keys (<<) are not allowed here")
            if key in values:
                first = keys[key].line
                raise self._refused(event, f"{key!r} stands here already, in line {first}")
            keys[key] = _mark(event)
            values[key] = self._node(next(self._events), depth + 1)
        style = "flow" if getattr(start, "flow_style", False) else "block"
        return Node(values, _mark(start), _end(event), keys, style)


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _end(event: yaml.Event) -> int:
    assert event.end_mark is not None
    return event.end_mark.line


def _scalar(event: yaml.ScalarEvent) -> Node:
    value = event.value if event.style else _resolved(event.value)
    return Node(value, _mark(event), _end(event) + 1, style=event.style)


def _resolved(word: str) -> Any:
    """A plain scalar by YAML 1.2's core schema."""
    if word in CONSTANTS:
        return CONSTANTS[word]
    if len(word) < 40 and INTEGER.fullmatch(word):
        return int(word)
    if len(word) < 40 and FLOAT.fullmatch(word):
        return float(word)
    return word
