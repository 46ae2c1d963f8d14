"""An export as JSON: a header, an item a line, and a checksum of the items.

The same documents give the same lines, whichever repository they are in: only the header names
it. docs/export-schema.json says what stands where.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prompt_repo.layout import Kind, Place
from prompt_repo.model import Character, Configuration, Limits
from prompt_repo.parsed import Document
from prompt_repo.progress import Progress, silent
from prompt_repo.repository import Repository
from prompt_repo.transfer_documents import Exported, Said, Selection, Told, exported

FORMAT = "prompt-repo"
VERSION = 1
DIGEST = "sha256:"
LIMITS = ("prompt_bytes", "notes_bytes", "tags")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an export is from: the environment, the commit it shows, and when it was made."""

    environment: str
    commit: str
    at: datetime


def lines(
    repository: Repository, origin: Origin, selection: Selection, progress: Progress = silent
) -> Iterator[str]:
    """The file, line by line; raises what `Selection.check` and `exported` raise."""
    selection.check(repository, origin.commit)
    head = json.dumps(header(repository, origin, selection), ensure_ascii=False)
    yield f'{{\n"header": {head},\n"items": ['
    checksum = Checksum()
    comma = "\n"
    for each in exported(repository, origin.commit, selection, progress):
        line = canonical(item(each))
        checksum.add(line)
        yield f"{comma}{line}"
        comma = ",\n"
    yield f'\n],\n"checksum": "{checksum}"\n}}\n'


def header(repository: Repository, origin: Origin, selection: Selection) -> dict[str, Any]:
    """What an export says of itself. A repository is named by the commit it began with."""
    chosen = {
        "characters": sorted(selection.characters) if selection.characters is not None else None,
        "emotions": sorted(selection.emotions) if selection.emotions is not None else None,
        "sources": sorted(selection.sources),
    }
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "repository": repository.history.walk(origin.commit).origin(),
        "environment": origin.environment,
        "commit": origin.commit,
        "exported_at": origin.at.astimezone(UTC).isoformat(timespec="seconds"),
        "versions": selection.versions,
        "selection": chosen,
    }


class Checksum:
    """A digest of items in their canonical form, however the file around them is laid out."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, line: str) -> None:
        """Takes in the next item."""
        self._digest.update(line.encode(errors="replace") + b"\n")

    def __str__(self) -> str:
        return DIGEST + self._digest.hexdigest()


def canonical(value: Mapping[str, Any]) -> str:
    """The one form of an item that is written, and that the checksum covers.

    Keys stay in their order, for that of variables is people's.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def item(each: Exported) -> dict[str, Any]:
    """A document as an item of the file."""
    told = {**named(each.place), **said(each.said)}
    if each.versions:
        told["versions"] = [_version(number, one) for number, one in enumerate(each.versions, 1)]
    return told


def named(place: Place) -> dict[str, Any]:
    """Which document an item is."""
    if place.kind is Kind.CONFIGURATION:
        return {"kind": "configuration"}
    if place.kind is Kind.CHARACTER:
        return {"kind": "character", "character": place.character}
    return {"kind": "prompt", "character": place.character, "emotion": place.emotion}


def said(content: Said | None) -> dict[str, Any]:
    """What a document says; fields that are empty, or as always, are left out."""
    if content is None:
        return {"removed": True}
    fields = _fields(content.value)
    if content.document is not None:
        fields["document"] = content.document
    return fields


def _fields(value: Document) -> dict[str, Any]:
    if isinstance(value, Configuration):
        usual = Limits()
        limits = {name: getattr(value.limits, name) for name in LIMITS}
        changed = {name: most for name, most in limits.items() if most != getattr(usual, name)}
        emotions = [
            {"id": each.id, "label": each.label, "colour": each.colour} for each in value.emotions
        ]
        more: dict[str, Any] = {"variables": dict(value.variables), "limits": changed}
        return {"emotions": emotions, **_filled(more)}
    if isinstance(value, Character):
        more = {
            "description": value.description,
            "variables": dict(value.variables),
            "tags": list(value.tags),
            "archived": value.archived,
        }
        return {"name": value.name, **_filled(more)}
    return {
        "prompt_text": value.text,
        **_filled({"notes": value.notes, "tags": list(value.tags)}),
    }


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _version(number: int, told: Told) -> dict[str, Any]:
    return {
        "version": number,
        "created_by": {"name": told.author.name, "email": told.author.email},
        "created_at": moment(told.at),
        "reason": told.reason,
        **said(told.said),
    }


def moment(seconds: int) -> str:
    """A time as RFC 3339, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")
