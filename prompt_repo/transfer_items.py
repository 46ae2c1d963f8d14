"""Items of an export as documents: what they say, as YAML files, with their versions."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument, InvalidReason
from prompt_repo.git_commits import UNSAFE
from prompt_repo.layout import CONFIGURATION, ID, character_path
from prompt_repo.model import Author, Character, Configuration, Emotion, Limits, Prompt, PromptKey
from prompt_repo.parsed import Document
from prompt_repo.trailers import SERVERS_LINE
from prompt_repo.transfer_staged import Place, Staged, StagedVersion
from prompt_repo.yaml_tree import Node

Check = Callable[[], Node | None]
"""Holds an item against the schema and tells what is wrong; gives its places where nothing is."""
Item = Mapping[str, Any]

TEXTS = ("prompt_text", "notes", "document", "reason", "created_at")
PROMPT_KEYS = {"kind", "character", "emotion", "prompt_text", "notes", "versions"}
VERSION_KEYS = {"version", "created_by", "created_at", "reason", "prompt_text", "notes"}
LONGEST_REASON = 65_536
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LAST = 253_402_300_799  # the last second of the year 9999, which git and Python both know


def take_item(item: Item, place: Place, staged: Staged, check: Check) -> None:
    """Puts an item aside as a document, or tells what is wrong with it, each with its place."""
    root: Node | None = None
    if not _plainly_valid(item):
        root = check()
        if root is None:
            return
    path = path_of(item)
    try:
        value, raw = written(item, path)
        versions = [
            _version(number, each, item, path)
            for number, each in enumerate(item.get("versions", ()), 1)
        ]
    except _Wrong as wrong:
        staged.refuse(wrong.message, _place(wrong.steps, root or check(), place), wrong.name)
        return
    if raw is None and not versions:
        staged.refuse("an item that is removed brings its versions", place, "removed")
    elif raw is None and versions[-1].raw is not None:
        staged.refuse("this is removed, and its last version isn't", place, "removed")
    else:
        staged.add(path, value, raw, place, versions)


def path_of(item: Item) -> str:
    """The file that an item is about."""
    if item["kind"] == "configuration":
        return CONFIGURATION
    if item["kind"] == "character":
        return character_path(item["character"])
    return PromptKey(item["character"], item["emotion"]).path


def written(item: Item, path: str) -> tuple[Document | None, bytes | None]:
    """What an item says, and the file that says so."""
    if item.get("removed"):
        return None, None
    value = _value(item)
    try:
        document = item.get("document")
        if document is None:
            return value, documents.dump(value, path)
        raw = documents.edit(document.encode(errors="replace"), path, value)
        return value, raw
    except InvalidDocument as invalid:
        problem = invalid.problems[0]
        name = problem.field.partition(".")[0].replace("prompt", "prompt_text", 1)
        name = name if name in item else ""
        raise _Wrong(problem.message, (name,) if name else ()) from invalid


class _Wrong(Exception):
    """What is wrong with an item, at the end of some steps into it."""

    def __init__(self, message: str, steps: Sequence[str | int] = ()) -> None:
        self.message, self.steps = message, tuple(steps)
        super().__init__(message)

    @property
    def name(self) -> str:
        """The steps as people write them."""
        parts = (f"[{each}]" if isinstance(each, int) else f".{each}" for each in self.steps)
        return "".join(parts).lstrip(".")


def _place(steps: Sequence[str | int], root: Node | None, place: Place) -> Place:
    node = root
    for step in steps:
        inner = node.value if node is not None else {}
        known = isinstance(inner, dict) and step in inner
        known = known or (isinstance(inner, list) and isinstance(step, int) and step < len(inner))
        node = inner[step] if known else node
    return Place(*node.mark) if node is not None else place


def _plainly_valid(item: Item) -> bool:
    """Whether a prompt is one that the schema allows, so that nothing slower need look at it."""
    if item["kind"] != "prompt" or not item.keys() <= PROMPT_KEYS:
        return False
    character, emotion = item.get("character", 0), item.get("emotion")
    if character is not None and not _ident(character):
        return False
    versions = item.get("versions", [0])
    return (
        _ident(emotion)
        and _plain_text(item)
        and type(versions) is list
        and bool(versions)
        and ("versions" not in item or all(map(_plain_version, versions)))
    )


def _plain_version(each: Any) -> bool:
    if type(each) is not dict or not each.keys() <= VERSION_KEYS:
        return False
    by = each.get("created_by")
    return (
        type(each.get("version")) is int
        and each["version"] > 0
        and type(each.get("created_at")) is str
        and MOMENT.fullmatch(each["created_at"]) is not None
        and type(each.get("reason")) is str
        and type(by) is dict
        and by.keys() == {"name", "email"}
        and type(by["name"]) is type(by["email"]) is str
        and _plain_text(each)
    )


def _plain_text(item: Item) -> bool:
    text = item.get("prompt_text")
    return type(text) is str and bool(text.strip()) and type(item.get("notes", "")) is str


def _ident(value: Any) -> bool:
    return type(value) is str and ID.fullmatch(value) is not None and value != "character"


def _value(item: Item) -> Document:
    """What an item says; the schema holds."""
    tags = tuple(item.get("tags", ()))
    if "prompt_text" in item:
        notes = documents.normalise(item.get("notes", ""))
        return Prompt(documents.normalise(item["prompt_text"]), notes, tags)
    if "emotions" in item:
        emotions = tuple(Emotion(**each) for each in item["emotions"])
        if len({each.id for each in emotions}) != len(emotions):
            raise _Wrong("an emotion stands in this list twice", ("emotions",))
        limits = Limits(**{name: int(size) for name, size in item.get("limits", {}).items()})
        return Configuration(emotions, item.get("variables", {}), limits)
    return Character(
        id=item.get("character", ""),
        name=item["name"],
        description=item.get("description", ""),
        variables=item.get("variables", {}),
        tags=tags,
        archived=item.get("archived", False),
    )


def _version(number: int, each: Item, item: Item, path: str) -> StagedVersion:
    """A version as it is put aside; raises _Wrong."""
    steps = ("versions", number - 1)
    if each["version"] != number:
        said = f"versions are numbered 1, 2, 3 and so on; {number} belongs here"
        raise _Wrong(said, (*steps, "version"))
    content = each
    if item["kind"] == "character":
        content = {**each, "character": item["character"]}
    try:
        _, raw = written(content, path)
        author = person(each["created_by"]["name"], each["created_by"]["email"])
        return StagedVersion(raw, author, seconds(each["created_at"]), reason(each["reason"]))
    except _Wrong as wrong:
        raise _Wrong(wrong.message, (*steps, *wrong.steps)) from wrong
    except InvalidReason as wrong:
        raise _Wrong(str(wrong), (*steps, "reason")) from wrong
    except ValueError as wrong:
        raise _Wrong(str(wrong), (*steps, "created_at")) from wrong


def person(name: str, email: str) -> Author:
    """Somebody as Git can name them."""
    name, email = (each.encode(errors="replace").decode() for each in (name, email))
    return Author(UNSAFE.sub(" ", name).strip(), UNSAFE.sub("", email).replace(" ", ""))


def seconds(moment: str) -> int:
    """A time as Git keeps one; raises ValueError."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as wrong:
        raise ValueError(f"{moment[:40]!r} is no time; write 2026-11-23T09:00:00Z") from wrong
    found = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    if not 0 <= found <= LAST:
        raise ValueError(f"{moment[:40]!r} is before 1970, which Git can't keep")
    return found


def reason(text: str) -> str:
    """A reason as a commit can carry it; raises InvalidReason.

    It may hold what plain git let people write; the server's trailers it may not.
    """
    words = text.replace("\r\n", "\n").strip()
    if len(words) > LONGEST_REASON:
        raise InvalidReason(f"it has {len(words):,} characters, {LONGEST_REASON:,} are allowed")
    if "\0" in words or re.search("[\ud800-\udfff]", words):
        raise InvalidReason("it holds NUL or half a character, which Git can't keep")
    forged = SERVERS_LINE.search(words)
    if forged:
        raise InvalidReason(f"a line that begins with “{forged[0]}” is the server's to write")
    return words
