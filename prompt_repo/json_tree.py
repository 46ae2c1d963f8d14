"""JSON with the place of each value: the slow reading, for telling what is wrong where."""

import json
import re
from typing import Any

from prompt_repo.yaml_tree import Mark, Node

DEPTH = 16  # an export is six deep
BLANKS = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
LONGEST_NUMBER = 40
MOST = 500_000  # values of one item; a prompt with 50,000 versions has fewer
WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


class NotJson(Exception):
    """What makes a text no JSON of ours, and where."""

    def __init__(self, message: str, index: int) -> None:
        self.message, self.index = message, index
        super().__init__(message)


def parse(text: str, at: int, start: Mark) -> Node:
    """The value that begins at `at`, which is the place `start`; raises NotJson."""
    return _Parser(text, at, start).value(at, 0)[0]


class _Parser:
    def __init__(self, text: str, at: int, start: Mark) -> None:
        self._text, self._left = text, MOST
        self._seen, self._place = at, start

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        """A value and where it ends."""
        if depth > DEPTH:
            raise NotJson(f"this is nested more than {DEPTH} deep", at)
        self._left -= 1
        if self._left < 0:
            raise NotJson(f"this has more than the {MOST:,} values allowed", at)
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._list(at, depth)
        if first == '"':
            text, end = self._string(at)
            return self._node(text, self._mark(at), end), end
        return self._word(at)

    def _object(self, at: int, depth: int) -> tuple[Node, int]:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        start = self._mark(at)
        end = self._blanks(at + 1)
        while self._text[end : end + 1] != "}" or values:
            if self._text[end : end + 1] != '"':
                raise NotJson("a key in quotes belongs here", end)
            key, after = self._string(end)
            if key in values:
                line = keys[key].line
                raise NotJson(f"{key[:80]!r} stands here already, in line {line}", end)
            keys[key] = self._mark(end)
            after = self._blanks(after)
            if self._text[after : after + 1] != ":":
                raise NotJson("a colon belongs here", after)
            values[key], after = self.value(self._blanks(after + 1), depth + 1)
            end = self._blanks(after)
            if self._text[end : end + 1] == "}":
                break
            end = self._comma(end, "}")
        return self._node(values, start, end + 1, keys), end + 1

    def _list(self, at: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        start = self._mark(at)
        end = self._blanks(at + 1)
        while self._text[end : end + 1] != "]" or items:
            node, after = self.value(end, depth + 1)
            items.append(node)
            end = self._blanks(after)
            if self._text[end : end + 1] == "]":
                break
            end = self._comma(end, "]")
        return self._node(items, start, end + 1), end + 1

    def _comma(self, at: int, closing: str) -> int:
        if self._text[at : at + 1] != ",":
            raise NotJson(f"a comma or {closing} belongs here", at)
        return self._blanks(at + 1)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = json.decoder.scanstring(self._text, at + 1, True)  # type: ignore[attr-defined]
            return str(text), int(end)
        except json.JSONDecodeError as wrong:
            raise NotJson(said(wrong), wrong.pos) from wrong

    def _word(self, at: int) -> tuple[Node, int]:
        for word, value in WORDS.items():
            if self._text.startswith(word, at):
                return self._node(value, self._mark(at), at + len(word)), at + len(word)
        number = NUMBER.match(self._text, at)
        if number is None:
            odd = ODD.match(self._text, at)
            said = f"{odd[0]} is no value in JSON; write a number, or null" if odd else NO_VALUE
            raise NotJson(said, at)
        if len(number[0]) > LONGEST_NUMBER:
            raise NotJson("this number is too long", at)
        return self._node(json.loads(number[0]), self._mark(at), number.end()), number.end()

    def _blanks(self, at: int) -> int:
        found = BLANKS.match(self._text, at)
        return found.end() if found else at

    def _node(self, value: Any, start: Mark, end: int, keys: dict[str, Mark] | None = None) -> Node:
        style = "flow" if isinstance(value, dict | list) else '"'
        return Node(value, start, self._mark(end), keys, style)

    def _mark(self, index: int) -> Mark:
        """The place of `index`, told from the one before it: they are asked for in their order."""
        self._place = mark(self._text, self._seen, self._place, index)
        self._seen = index
        return self._place


def mark(text: str, at: int, start: Mark, index: int) -> Mark:
    """The place of `index` in a text where `at` is the place `start`."""
    lines = text.count("\n", at, index)
    if not lines:
        return Mark(start.line, start.column + index - at)
    return Mark(start.line + lines, index - text.rfind("\n", at, index))


NO_VALUE = "a value belongs here"
ODD = re.compile("-?(?:NaN|Infinity)")
SENTENCES = {
    "Unterminated string starting at": "this text has no closing quote",
    "Invalid control character at": "a line break or control character stands in a text; "
    "write it as \\n or \\u00xx",
    "Expecting value": NO_VALUE,
    "Expecting property name enclosed in double quotes": "a key in quotes belongs here",
    "Expecting ',' delimiter": "a comma or a closing bracket belongs here",
    "Expecting ':' delimiter": "a colon belongs here",
    "Illegal trailing comma before end of object": "a comma too many stands here",
    "Illegal trailing comma before end of array": "a comma too many stands here",
}


def said(wrong: json.JSONDecodeError) -> str:
    """What the decoder found, in words for people."""
    return SENTENCES.get(wrong.msg, f"this is not JSON: {wrong.msg[:80]}")
