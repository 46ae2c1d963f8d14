"""Character cards (V1, V2 and V3, as JSON or inside a PNG) as characters of ours.

What others made for chats begins a character here: name, description, tags. A card has no prompts
by emotion, so it brings none.
"""

import base64
import binascii
import json
import re
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.layout import character_path
from prompt_repo.model import Character
from prompt_repo.transfer_staged import Place, Staged
from prompt_repo.transfer_text import Unreadable
from prompt_repo.yaml_tree import UNHELD

PNG = b"\x89PNG\r\n\x1a\n"
LARGEST = 16 * 1024 * 1024  # bytes of a card's text
CHUNKS = 100_000
DESCRIPTION, NAME, TAGS, TAG = 16_384, 200, 1000, 64
PARTS = {"description": "", "personality": "Personality", "scenario": "Scenario"}
BEGINNING = Place(1, 1)
EMBEDDED = ("ccv3", "chara")  # where both stand in an image, V3 counts


def looks_like_card(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is somebody's character card."""
    spec = value.get("spec")
    if isinstance(spec, str) and spec.startswith("chara_card_v"):
        return True
    return {"name", "description", "first_mes"} <= value.keys()


def read_card(card: Mapping[str, Any], staged: Staged) -> None:
    """Puts the character of a card aside, or tells what is wrong with it."""
    data = card.get("data", card)
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name.strip():
        staged.refuse("this card has no name, so it can't become a character", BEGINNING, "name")
        return
    ident = ident_of(name)
    if not ident:
        staged.refuse(
            f"no id can be made of the name {name[:80]!r}; give one with letters of a to z",
            BEGINNING,
            "name",
        )
        return
    who = Character(ident, _clean(name)[:NAME].strip(), _description(data, staged), {}, _tags(data))
    path = character_path(ident)
    try:
        staged.add(path, who, documents.dump(who, path), BEGINNING)
        staged.card = path
    except InvalidDocument as invalid:
        for problem in invalid.problems:
            staged.refuse(problem.message, BEGINNING, problem.field)


def completed(here: bytes, card: bytes, path: str) -> bytes:
    """The character who is here with what a card tells: their variables stay, and their tags."""
    try:
        ours, given = documents.parse(here, path), documents.parse(card, path)
        assert isinstance(ours, Character)
        assert isinstance(given, Character)
        tags = tuple(dict.fromkeys([*ours.tags, *given.tags]))
        told = replace(ours, name=given.name, description=given.description, tags=tags)
        return documents.edit(here, path, told)
    except InvalidDocument:
        return card  # what can't be read has nothing to keep


def read_png(file: BinaryIO, staged: Staged) -> None:
    """Puts the character of a card inside a PNG aside; raises Unreadable where there is none."""
    found = dict(_texts(file))
    raw = next((found[name] for name in EMBEDDED if name in found), None)
    if raw is None:
        raise Unreadable("this image holds no character card (no text “chara” or “ccv3”)", Place())
    try:
        card = json.loads(base64.b64decode(raw, validate=True))
    except (binascii.Error, ValueError, RecursionError) as wrong:
        raise Unreadable("the character card in this image can't be read", Place()) from wrong
    if not isinstance(card, dict) or not looks_like_card(card):
        raise Unreadable("what this image holds is no character card", Place())
    read_card(card, staged)


def ident_of(name: str) -> str:
    """An id made from a name; empty where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")


def _texts(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The texts in a PNG: those of a card, by their keyword."""
    file.seek(len(PNG))
    for _ in range(CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        if kind != b"tEXt":
            file.seek(size + 4, 1)
            continue
        if size > LARGEST:
            raise Unreadable(f"a text in this image has more than {LARGEST:,} bytes", Place())
        keyword, _, text = file.read(size).partition(b"\0")
        file.seek(4, 1)
        name = keyword.decode("latin-1").lower()
        if name in EMBEDDED:
            yield name, text


def _description(data: Mapping[str, Any], staged: Staged) -> str:
    parts = []
    for name, heading in PARTS.items():
        text = data.get(name)
        if isinstance(text, str) and text.strip():
            words = _clean(text).strip()
            parts.append(f"{heading}: {words}" if heading else words)
    whole = "\n\n".join(parts)
    if len(whole) > DESCRIPTION:
        staged.warnings.append(
            f"the description was cut to {DESCRIPTION:,} of its {len(whole):,} characters"
        )
    return whole[:DESCRIPTION]


def _tags(data: Mapping[str, Any]) -> tuple[str, ...]:
    given = data.get("tags")
    words = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    tags = (" ".join(_clean(each).split())[:TAG].strip() for each in words)
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:TAGS]


def _clean(text: str) -> str:
    """The text without what no file of ours can hold."""
    return UNHELD.sub("", documents.normalise(text).replace("\r", "\n"))
