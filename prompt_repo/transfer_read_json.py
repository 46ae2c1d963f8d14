"""An export, or any JSON of that form, read an item at a time.

The standard library's decoder reads whole values out of a window that moves on through the file:
as quick as reading it at once, in memory that one item takes. Where something is wrong with an
item, it is read again by `json_tree`, which knows the place of everything.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from prompt_repo import json_tree, transfer_schema
from prompt_repo.json_tree import NotJson
from prompt_repo.schema import against
from prompt_repo.transfer_cards import looks_like_card, read_card
from prompt_repo.transfer_items import take_item
from prompt_repo.transfer_json import Checksum, canonical
from prompt_repo.transfer_staged import Place, Staged
from prompt_repo.transfer_text import Unreadable, Window, opened
from prompt_repo.yaml_tree import Mark, Node

BLANKS = " \t\n\r"
LARGEST = 64 * 1024 * 1024  # characters of one item: a prompt with its whole history
MOST_KEYS = 100  # of the file's own object; an export has 3, a character card some dozens
CUT_OFF = 12  # characters before the end of what was read, where a token may be cut off
OPEN_TEXT = "Unterminated string starting at"
CHANGED = (
    "the checksum doesn't fit the items: the file was changed or damaged since it was exported. "
    "If you changed it on purpose, take the line “checksum” out"
)


class _Refused(ValueError):
    """What JSON allows, or Python reads, and we don't."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused
    return found


def _refuse(word: str) -> NoReturn:
    raise _Refused(word)


STRICT = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_refuse)
LENIENT = json.JSONDecoder(parse_int=float)
BROKEN_OFF = "the file breaks off here: "
BROKEN = object()
"""What stands for a value that can't be used, and was told of."""


def read_json(file: BinaryIO, staged: Staged) -> None:
    """Puts what the file says aside, with every problem; raises Unreadable where it breaks off."""
    text = opened(file)
    try:
        _Reader(Window(text.read), staged).read()
    finally:
        text.detach()


class _Reader:
    def __init__(self, window: Window, staged: Staged) -> None:
        self._window, self._staged = window, staged
        self._top: dict[str, Any] = {}
        self._places: dict[str, Place] = {}
        self._checksum = Checksum()

    def read(self) -> None:
        """Reads the file to its end."""
        self._expect("{", "an export begins with {")
        for key in self._keys():
            if key == "items":
                for number, (value, mark, source) in enumerate(self._elements()):
                    if value is not BROKEN:
                        self._item(number, value, mark, source)
            elif key == "header":
                self._header()
            else:
                self._top[key] = self._value()[0]
        if self._next():
            raise Unreadable("the file goes on after its end", self._window.place(self._window.at))
        self._close()

    def _close(self) -> None:
        if "items" not in self._places:
            if looks_like_card(self._top):
                read_card(self._top, self._staged)
                return
            raise Unreadable(
                "this is neither an export (it has no “items”) nor a character card", Place(1, 1)
            )
        wanted = self._top.pop("checksum", None)
        for key in self._top:
            self._staged.refuse(
                f"unknown key {key[:80]!r}; allowed are header, items, checksum",
                self._places[key],
                key[:80],
            )
        if wanted is not None and wanted != str(self._checksum) and not self._staged.count:
            self._staged.refuse(CHANGED, self._places["checksum"], "checksum")

    def _header(self) -> None:
        value, mark, source = self._value()
        if value is not BROKEN and self._problems("header", value, source, mark):
            self._staged.began = value
            self._staged.base = value.get("commit")

    def _item(self, number: int, value: Any, mark: Mark, source: str) -> None:
        if not isinstance(value, dict) or value.get("kind") not in transfer_schema.KINDS:
            kinds = ", ".join(transfer_schema.KINDS)
            place = Place(*mark)
            said = f"an item is an object whose “kind” is one of {kinds}"
            self._staged.refuse(said, place, f"items[{number}]", transfer_schema.KINDS)
            return
        self._checksum.add(canonical(value))
        take_item(
            value,
            Place(*mark),
            self._staged,
            lambda: self._problems(value["kind"], value, source, mark, f"items[{number}]"),
        )

    def _problems(
        self, kind: str, value: Any, source: str, mark: Mark, name: str = "header"
    ) -> Node | None:
        """The places of an item's values; None where it breaks the schema, which is told."""
        try:
            root = json_tree.parse(source, 0, mark)
        except NotJson as wrong:
            at = json_tree.mark(source, 0, mark, wrong.index)
            self._staged.refuse(wrong.message, Place(*at), name)
            return None
        found = against(transfer_schema.validator(kind), root, value, self._staged.name)
        for each in found:
            field = f"{name}.{each.field}".rstrip(".")
            self._staged.refuse(each.message, Place(each.line, each.column), field, each.valid)
        return None if found else root

    def _keys(self) -> Iterator[str]:
        """The keys of the file's object, each once; the value must be read before the next."""
        while self._next() != "}" or self._places:
            place = self._window.place(self._window.at)
            if self._next() != '"':
                broken = "" if self._next() else BROKEN_OFF
                raise Unreadable(f"{broken}a key in quotes belongs here", place)
            key = str(self._value()[0])
            if key in self._places:
                line = self._places[key].line
                raise Unreadable(f"{key[:80]!r} stands here already, in line {line}", place)
            self._places[key] = place
            if len(self._places) > MOST_KEYS:
                raise Unreadable(f"this object has more than the {MOST_KEYS} keys allowed", place)
            self._expect(":", "a colon belongs here")
            yield key
            if self._next() == "}":
                break
            self._expect(",", "a comma or } belongs here")
        self._expect("}", "a comma or } belongs here")

    def _elements(self) -> Iterator[tuple[Any, Mark, str]]:
        self._expect("[", "“items” must be a list")
        first = True
        while self._next() != "]" or not first:
            first = False
            yield self._value()
            if self._next() == "]":
                break
            self._expect(",", "a comma or ] belongs here")
        self._expect("]", "a comma or ] belongs here")

    def _value(self) -> tuple[Any, Mark, str]:
        """A value (BROKEN where that was told of), its place, and how it is written."""
        self._next()
        while True:
            window = self._window
            try:
                value, end = STRICT.raw_decode(window.text, window.at)
            except json.JSONDecodeError as wrong:
                if self._may_go_on(wrong):
                    continue
                raise self._not_json(json_tree.said(wrong), wrong.pos) from wrong
            except RecursionError as wrong:
                raise self._not_json("this is nested too deep", window.at) from wrong
            except ValueError as wrong:
                value, end = self._told(wrong)
                if end < 0:
                    continue
            if end == len(window.text) and not window.done and isinstance(value, int | float):
                window.more()  # a number may go on
                continue
            source = window.text[window.at : end]
            place = window.mark(window.at)
            window.step(end)
            return value, place, source

    def _told(self, wrong: ValueError) -> tuple[Any, int]:
        """Tells of a key that stands twice, NaN and the like; what it would be, and its end.

        The end is -1 where more must be read first.
        """
        window = self._window
        try:
            _, end = LENIENT.raw_decode(window.text, window.at)
        except json.JSONDecodeError as broken:
            if self._may_go_on(broken):
                return BROKEN, -1
            raise self._not_json(json_tree.said(broken), broken.pos) from broken
        except ValueError as broken:
            raise self._not_json("a number here is too long", window.at) from broken
        try:
            json_tree.parse(window.text, window.at, window.mark(window.at))
            said, index = f"this can't be read: {wrong}", window.at
        except NotJson as found:
            said, index = found.message, found.index
        self._staged.refuse(said, window.place(index))
        return BROKEN, end

    def _may_go_on(self, wrong: json.JSONDecodeError) -> bool:
        """Reads on where what is wrong may be no more than that the window ends here."""
        window = self._window
        near = wrong.pos >= len(window.text) - CUT_OFF or wrong.msg == OPEN_TEXT
        if window.done or not near:
            return False
        if len(window.text) - window.at > LARGEST:
            said = f"this item has more than the {LARGEST:,} characters allowed"
            raise Unreadable(said, window.place(window.at))
        window.more()
        return True

    def _not_json(self, said: str, index: int) -> Unreadable:
        if self._window.done and index >= len(self._window.text.rstrip()):
            said = f"{BROKEN_OFF}{said}"
        return Unreadable(said, self._window.place(index))

    def _next(self) -> str:
        """The next character that is no blank, which is stepped to; empty at the end."""
        window = self._window
        while True:
            rest = window.at
            while rest < len(window.text) and window.text[rest] in BLANKS:
                rest += 1
            window.step(rest)
            if rest < len(window.text):
                return window.text[rest]
            if window.done or not window.more():
                return ""

    def _expect(self, wanted: str, message: str) -> None:
        found = self._next()
        if found != wanted:
            at = self._window.place(self._window.at)
            broken = "" if found else BROKEN_OFF
            raise Unreadable(f"{broken}{message}", at)
        self._window.step(self._window.at + 1)
