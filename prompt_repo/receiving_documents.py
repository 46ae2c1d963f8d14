"""Documents of a push, parsed once each, and kept in memory only as far as they are small."""

from collections.abc import Iterator, Mapping

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.git_incoming import Incoming
from prompt_repo.layout import Kind, place_of
from prompt_repo.parsed import Parsed

KEPT = 4 * 1024 * 1024  # bytes of files whose values are kept


class Documents:
    """What the files of one delivery say; `sizes` are those of its blobs."""

    def __init__(self, incoming: Incoming, sizes: Mapping[str, int]) -> None:
        self.incoming, self.sizes = incoming, sizes
        self._values: dict[tuple[str, Kind | None], Parsed] = {}
        self._kept = 0

    def read(self, files: Mapping[str, str]) -> Iterator[tuple[str, Parsed]]:
        """The documents at some paths, given with their blobs; first those that are at hand.

        One that breaks the schema comes as its InvalidDocument. Raises RepositoryDamaged.
        """
        left = {}
        for path, oid in files.items():
            known = self._values.get(_key(path, oid))
            if known is None or isinstance(known, InvalidDocument):
                left[path] = oid  # problems name the path
            else:
                yield path, known
        raws = self.incoming.blobs([*left.values()], self.sizes)
        for (path, oid), raw in zip(left.items(), raws, strict=True):
            value = _parsed(raw, path)
            if self._kept + len(raw) <= KEPT:
                self._kept += len(raw)
                self._values[_key(path, oid)] = value
            yield path, value


def _key(path: str, oid: str) -> tuple[str, Kind | None]:
    """One blob may stand at several places, and says something else in each kind of them."""
    place = place_of(path)
    # A character's value holds the id, which is in the path.
    character = place.character if place is not None and place.kind is Kind.CHARACTER else ""
    return f"{oid} {character}", place.kind if place is not None else None


def _parsed(raw: bytes, path: str) -> Parsed:
    try:
        return documents.parse(raw, path)
    except InvalidDocument as invalid:
        return invalid
