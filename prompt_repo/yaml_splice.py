"""Change some keys of a YAML file and leave every other line of it as people wrote it."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from prompt_repo.yaml_text import entry, inline
from prompt_repo.yaml_tree import Node

HEADER = re.compile(r"[|>][-+0-9]*(?P<comment>[ \t]+#.*)?")
COMMENT = re.compile(r"(?P<comment>[ \t]+#.*)")
DASH = re.compile(r"(?P<indent> *)- +")
KEPT = re.compile(r"[^\n]*: \|[0-9]?\+([ \t]+#[^\n]*)?\n")
"""The first line of an entry whose trailing empty lines belong to its text."""


class _Change(NamedTuple):
    """Lines from `start` up to `end` (from 0, end exclusive) become `text`."""

    start: int
    end: int
    text: str


def splice(text: str, root: Node, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The file with the keys that differ rewritten; `before` and `after` are its fields.

    `text` has LF line ends and is what `root` was parsed from, in block style. Keys of nested
    mappings and items of lists are spliced likewise. New keys go behind the key they follow in
    `after`. The caller must read the result back: YAML has corners where lines don't tell.
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1:] = [] if lines[-1] == "\n" else lines[-1:]
    written, at = [], 0
    for change in sorted(_mapping(root, lines, before, after, ""), key=lambda each: each.start):
        written += [*lines[at : change.start], change.text]
        at = max(at, change.end)
    return "".join(written + lines[at:])


def _mapping(
    node: Node, lines: list[str], before: Mapping[str, Any], after: Mapping[str, Any], indent: str
) -> Iterator[_Change]:
    """The changes of one block mapping whose keys stand behind `indent`."""
    assert node.keys is not None
    behind = node.mark.line - 1
    for key, field in after.items():
        child = node.value.get(key)
        if child is None:
            yield _replaced(lines, behind, behind, entry(_name(key, indent), field, indent))
            continue
        start, behind = node.keys[key].line - 1, _end(child, lines)
        if before.get(key) != field:
            yield from _value(child, lines, start, key, before.get(key), field, indent)
    for key in before.keys() - after.keys():
        yield _Change(node.keys[key].line - 1, _end(node.value[key], lines), "")


def _name(key: str, indent: str) -> str:
    return inline(key) if indent else key


def _value(
    child: Node, lines: list[str], start: int, key: str, old: Any, new: Any, indent: str
) -> Iterator[_Change]:
    """The changes of one key's value: inside it where it is a block, else all of it."""
    if child.style == "block" and isinstance(new, dict) and child.keys:
        deeper = " " * (min(mark.column for mark in child.keys.values()) - 1)
        yield from _mapping(child, lines, old or {}, new, deeper)
    elif child.style == "block" and isinstance(new, list) and _dashes(child, lines):
        yield from _list(child, lines, old or [], new)
    else:
        first, _, rest = entry(_name(key, indent), new, indent).partition("\n")
        written = f"{first}{_comment(child, lines)}\n{rest}"
        yield _replaced(lines, start, _end(child, lines), written)


def _list(node: Node, lines: list[str], old: list[Any], new: list[Any]) -> Iterator[_Change]:
    """The changes of one block list; an item that stays is not touched."""
    starts = [item.mark.line - 1 for item in node.value]
    ends = [_end(item, lines) for item in node.value]
    prefix = (DASH.match(lines[starts[0]]) or [""])[0]
    was, becomes = ([inline(item) for item in side] for side in (old, new))
    matcher = SequenceMatcher(None, was, becomes, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        written = "".join(f"{prefix}{item}\n" for item in becomes[k:m])
        if tag == "insert":
            behind = ends[i - 1] if i else starts[0]
            yield _Change(behind, behind, written)
        elif tag != "equal":
            yield _Change(starts[i], ends[j - 1], written)


def _dashes(node: Node, lines: list[str]) -> bool:
    """Whether each item stands behind a dash on its own first line."""
    marks = (item.mark for item in node.value)
    return bool(node.value) and all(
        DASH.fullmatch(lines[mark.line - 1][: mark.column - 1]) for mark in marks
    )


def _replaced(lines: list[str], start: int, end: int, text: str) -> _Change:
    """A change that takes along the empty lines its text would swallow otherwise."""
    if KEPT.match(text):
        while end < len(lines) and not lines[end].strip():
            end += 1
    return _Change(start, end, text)


def _end(node: Node, lines: list[str]) -> int:
    """The line behind a value; empty lines count where they are part of its text."""
    if node.style == "block":
        children = node.value.values() if node.keys is not None else node.value
        return max(_end(child, lines) for child in children)
    if node.style == "|":
        return node.mark.line + len(node.value.removesuffix("\n").split("\n"))
    end = node.end.line - (node.end.column == 1)
    header = HEADER.match(lines[node.mark.line - 1], node.mark.column - 1)
    if node.style == ">" and (header is None or "+" not in header[0].split("#")[0]):
        while not lines[end - 1].strip() and end > node.mark.line:
            end -= 1
    return end


def _comment(node: Node, lines: list[str]) -> str:
    """The comment behind a value on its line, or behind the mark that begins a block of text."""
    if node.style in ("|", ">"):
        found = HEADER.match(lines[node.mark.line - 1], node.mark.column - 1)
    elif node.mark.line == node.end.line:
        found = COMMENT.match(lines[node.end.line - 1], node.end.column - 1)
    else:
        found = None
    return (found["comment"] or "") if found else ""
