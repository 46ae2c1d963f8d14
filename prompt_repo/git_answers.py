"""What `git upload-pack` answers: whether a pack comes, or only a round of bargaining."""

from collections.abc import Iterator

from prompt_repo.errors import GitFailed

RAW, BANDED, SECTION = b"PACK", (b"\1", b"\2"), b"packfile\n"
"""How a pack begins: bare, in a side band with what is said of it, or by protocol 2."""
LENGTH = 4  # bytes before each packet line, in hexadecimal
CONTROLS = 3  # the highest length that is no length: end, delimiter, end of the answer


class PackAnswer:
    """The pieces of an answer, which are looked at before they are sent.

    A fetch may take several rounds, in which both sides find out what they have in common; the
    last one brings the pack.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._seen = pieces, b""
        self._failure: GitFailed | None = None

    def brings_pack(self) -> bool:
        """Whether a pack follows: reads as far as it takes to know."""
        at = 0
        while True:
            while len(self._seen) < at + LENGTH + len(SECTION):
                if not self._read():
                    break
            line = self._seen[at : at + LENGTH + len(SECTION)]
            if line.startswith(RAW) or line[LENGTH:].startswith((SECTION, *BANDED)):
                return True
            try:
                length = int(line[:LENGTH], 16)
            except ValueError:  # the answer is over
                return False
            at += LENGTH if length <= CONTROLS else length

    def __iter__(self) -> Iterator[bytes]:
        """All of it; raises GitFailed at the end, where git failed."""
        if self._seen:
            yield self._seen
            self._seen = b""
        if self._failure is not None:
            raise self._failure
        yield from self._pieces

    def close(self) -> None:
        """Stops git."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _read(self) -> bool:
        try:
            piece = next(self._pieces, b"")
        except GitFailed as failure:
            self._failure = failure
            return False
        self._seen += piece
        return bool(piece)
