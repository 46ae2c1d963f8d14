"""Text files as the world writes them: UTF-8 with or without a BOM, UTF-16; a window at a time."""

import codecs
from collections.abc import Callable
from io import TextIOWrapper
from typing import BinaryIO

from prompt_repo.transfer_staged import Place
from prompt_repo.yaml_tree import Mark

PIECE = 1 << 16
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Unreadable(Exception):
    """Why a file can't be read on, and where."""

    def __init__(self, message: str, place: Place) -> None:
        self.message, self.place = message, place
        super().__init__(message)


def encoding_of(beginning: bytes) -> str:
    """What a file is written in, by its first bytes."""
    for bom, name in BOMS.items():
        if beginning.startswith(bom):
            return name
    if len(beginning) >= 4 and beginning[1] == beginning[3] == 0:
        return "utf-16-le"
    if len(beginning) >= 4 and beginning[0] == beginning[2] == 0:
        return "utf-16-be"
    return "utf-8"


def opened(file: BinaryIO) -> TextIOWrapper:
    """The file as text from its beginning, its line ends as they are."""
    file.seek(0)
    encoding = encoding_of(file.read(4))
    file.seek(0)
    return TextIOWrapper(file, encoding=encoding, errors="strict", newline="")


def not_text(wrong: UnicodeDecodeError) -> str:
    """What is said of bytes that are no text."""
    byte = wrong.object[wrong.start]
    return (
        f"a byte here (0x{byte:02x}) is not {wrong.encoding.upper()}; "
        "save the file as UTF-8 and try again"
    )


def place_of_bytes(file: BinaryIO) -> Place:
    """Where the first bytes stand that are no text; the line and the column count from 1."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding_of(file.read(4)))()
    file.seek(0)
    line, column = 1, 1
    while piece := file.read(PIECE):
        try:
            text, wrong = decoder.decode(piece), False
        except UnicodeDecodeError as error:
            text, wrong = error.object[: error.start].decode(error.encoding), True
        lines = text.count("\n")
        line += lines
        column = len(text) - text.rfind("\n") if lines else column + len(text)
        if wrong:
            break
    return Place(line, column)


class Window:
    """A stretch of a text that moves on through it, and knows its lines."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self.text = ""
        self.at = 0
        self.done = False
        self._seen, self._mark = 0, Mark(1, 1)

    def more(self) -> bool:
        """Reads on, at least as much as there is; False at the end of the text."""
        self._keep_mark()
        self.text = self.text[self.at :]
        self.at = self._seen = 0
        try:
            piece = self._read(max(PIECE, len(self.text)))
        except UnicodeDecodeError as wrong:
            raise Unreadable(not_text(wrong), self.place(len(self.text))) from wrong
        self.done = not piece
        self.text += piece
        return not self.done

    def mark(self, index: int) -> Mark:
        """The line and column of a place in the window."""
        lines = self.text.count("\n", self._seen, index)
        if not lines:
            return Mark(self._mark.line, self._mark.column + index - self._seen)
        return Mark(self._mark.line + lines, index - self.text.rfind("\n", self._seen, index))

    def place(self, index: int) -> Place:
        """The same, for a problem."""
        return Place(*self.mark(index))

    def step(self, at: int) -> None:
        """Goes on to a place."""
        self.at = at
        self._keep_mark()

    def _keep_mark(self) -> None:
        self._mark, self._seen = self.mark(self.at), self.at
