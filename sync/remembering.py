"""Fakes made in an earlier run and taken again, where production's row is still the same.

Beside each row it wrote, a run keeps ten bytes of a keyed digest of the original row. Who has no
key learns nothing by them; a run with the same key, rules and pools knows by them what it need not
make again. Making a row's fakes costs many times its digest.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

from sync import keyed
from sync.model import Key, Row

SIZE = 10
Tagged = tuple[list[Row], bytes]
"""A block's rows, and for each of them a tag of what it was made from."""
NONE = bytes(SIZE)


def tagger(key: keyed.Key, table: str, manifest: str) -> Callable[[Row], bytes]:
    """A function that tags rows of a table, for one set of rules and pools."""
    begun = blake2b(key=key.sub_key(f"row {table} {manifest}"), digest_size=SIZE)

    def of(row: Row) -> bytes:
        state = begun.copy()
        state.update(repr(row).encode("utf-8", "surrogatepass"))
        return state.digest()

    return of


class Memory:
    """The fakes of earlier blocks by the tags of their originals, read on as keys go by."""

    def __init__(self, blocks: Iterable[Tagged], key_of: Callable[[Row], Key]) -> None:
        self._coming, self._key_of = iter(blocks), key_of
        self._known: list[tuple[Key, dict[bytes, Row]]] = []
        self._more = True

    def fakes(
        self, rows: Sequence[Row], tags: Sequence[bytes], make: Callable[[list[Row]], list[Row]]
    ) -> list[Row]:
        """The rows' fakes: remembered ones, and newly made ones for the rest."""
        self._read_on(self._key_of(rows[0]), self._key_of(rows[-1]))
        known = {tag: fake for _, block in self._known for tag, fake in block.items()}
        found = [known.get(tag) for tag in tags]
        missing = [place for place, fake in enumerate(found) if fake is None]
        if missing:
            for place, fake in zip(missing, make([rows[place] for place in missing]), strict=True):
                found[place] = fake
        return [fake for fake in found if fake is not None]

    def _read_on(self, first: Key, last: Key) -> None:
        self._known = [block for block in self._known if block[0] >= first]
        while self._more and not (self._known and self._known[-1][0] >= last):
            block = next(self._coming, None)
            if block is None:
                self._more = False
            elif block[0] and (end := self._key_of(block[0][-1])) >= first:
                parts = [block[1][at : at + SIZE] for at in range(0, len(block[1]), SIZE)]
                made = dict(zip(parts, block[0], strict=False))
                made.pop(NONE, None)
                self._known.append((end, made))


def joined(block: Sequence[Row], tags: dict[int, bytes]) -> bytes:
    """The tags of a block's rows; none for what is not the fake of a row of production's."""
    return b"".join([tags.get(id(row), NONE) for row in block])
