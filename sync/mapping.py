"""Which fake stands for which original, for audit; kept on production's side, never in staging.

Without a choice there is no original in it: who knows one can find its fake by a keyed tag, and
nobody can go the other way. Sealed originals are a setting; only the key opens them.
"""

import datetime
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sync.errors import UnusableKey
from sync.folding import digits_of, folded, folded_email
from sync.keyed import Key
from sync.kinds import KINDS
from sync.model import Cell, Row, Table
from sync.rules import Rules
from sync.tables_mapping import Entry, MappingTable
from sync.tables_mapping import expire as expire_entries

MAPPED = (
    "full_name", "first_name", "last_name", "email", "phone", "username", "street", "address",
    "company", "digits", "ip",
)  # fmt: skip
DAYS = 30


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found: the fake, of which kind, and the original where it was sealed."""

    kind: str
    fake: str
    run: str
    recorded: str
    original: str | None


class Mapping:
    """A mapping in a database of its own, at an address on production's side."""

    def __init__(self, url: str, key: Key, sealed: bool = False, days: int = DAYS) -> None:
        self._table, self._days = MappingTable(url), days
        self._tags = key.digest("mapping tag")
        self._cipher = AESGCM(key.sub_key("mapping seal"))
        self._sealed = sealed

    def recorder(self, rules: Rules, run: str) -> "Recorder":
        """What a run hands its originals and fakes to."""
        return Recorder(self, rules, run)

    def tag(self, kind: str, original: str) -> str:
        """Finds an original that somebody knows, in any spelling, and tells nothing about it."""
        return f"{self._tags(_tagged(kind, original)):032x}"

    def record(self, pairs: Iterable[tuple[str, str, str]], run: str) -> None:
        """Notes (kind, original, fake) unless they are there already; their time starts anew."""
        now = datetime.datetime.now(datetime.UTC)
        times = _written(now), _written(now + datetime.timedelta(days=self._days))
        wanted = list(dict.fromkeys(pairs))  # names come again and again
        tags = self._tags.of_texts([_tagged(kind, original) for kind, original, _ in wanted])
        entries = {
            (tag, fake): Entry(tag, kind, fake, run, *times, self._seal(tag, original))
            for tag, (kind, original, fake) in zip(
                map("{:016x}{:016x}".format, *(half.tolist() for half in tags)), wanted, strict=True
            )
        }
        self._table.add(list(entries.values()))

    def look_up(self, original: str) -> list[Found]:
        """The fakes of an original, whatever kind it is of."""
        tags = sorted({self.tag(kind, original) for kind in MAPPED})
        return [self._found(entry) for entry in self._table.by_tags(tags, _now())]

    def look_up_fake(self, fake: str) -> list[Found]:
        """What a fake stands for; originals are there only where they were sealed."""
        return [self._found(entry) for entry in self._table.by_fake(fake, _now())]

    def close(self) -> None:
        """Lets go of the database."""
        self._table.close()

    def _seal(self, tag: str, original: str) -> bytes | None:
        if not self._sealed:
            return None
        once = os.urandom(12)
        return once + self._cipher.encrypt(once, original.encode(), tag.encode())

    def _found(self, entry: Entry) -> Found:
        original = None
        if entry.sealed is not None:
            original = "unreadable"
            with suppress(InvalidTag):
                plain = self._cipher.decrypt(
                    entry.sealed[:12], entry.sealed[12:], entry.tag.encode()
                )
                original = plain.decode()
            if original == "unreadable":
                raise UnusableKey("the original was sealed with another key than this one")
        return Found(entry.kind, entry.fake, entry.run, entry.recorded, original)


class Recorder:
    """Takes the originals and fakes of a run as they come by; what names nobody is left out."""

    def __init__(self, mapping: Mapping, rules: Rules, run: str) -> None:
        self._mapping, self._rules, self._run = mapping, rules, run

    def __call__(self, table: Table, originals: Sequence[Row], fakes: Sequence[Row]) -> None:
        """Records one batch of a table."""
        mine = self._rules.tables[table.name].columns
        places = [
            (place, mine[column.name].kind)
            for place, column in enumerate(table.columns)
            if mine[column.name].kind in MAPPED and not column.array
        ]
        pairs = (
            (kind, str(original[place]), str(fake[place]))
            for original, fake in zip(originals, fakes, strict=True)
            for place, kind in places
            if _says(original[place])
        )
        self._mapping.record(pairs, self._run)


def expire(url: str) -> int:
    """Takes away what is older than its time, which needs no key; tells how much.

    Raises UnusableDatabase.
    """
    return expire_entries(url, _now())


def _says(cell: Cell) -> bool:
    return cell is not None and str(cell).strip() != ""


def _tagged(kind: str, original: str) -> str:
    return f"{KINDS[kind].domain}|{_spelled(kind, original)}"


def _spelled(kind: str, original: str) -> str:
    if kind == "email":
        return folded_email(original)
    if kind in ("phone", "digits"):
        return digits_of(original) or folded(original)
    return folded(original)


def _now() -> str:
    return _written(datetime.datetime.now(datetime.UTC))


def _written(when: datetime.datetime) -> str:
    return when.isoformat(timespec="seconds")
