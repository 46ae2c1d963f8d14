"""What tests have made once and not anew each time, where it is not what they are about.

All of it is what the program makes itself; each shortcut only spares making it again:
passwords are hashed by argon2 with the least work, a SQLite file with the records' schema is a copy
of one that the migrations made, and templates are compiled once for all applications of a process.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

import pytest
from argon2 import PasswordHasher
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine

import webapp.records
from webapp import passwords
from webapp.application import Application
from webapp.records import Records
from webapp.records.migrating import migrate

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The same algorithm, with the least memory and time that it can be told to take."""


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """All shortcuts, inside the block; `folder` is for what they keep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", QUICK)
        patch.setattr(webapp.records, "migrate", Migrated(folder / "records.sqlite3"))
        patch.setattr(Application, "jinja_options", {"bytecode_cache": Compiled()})
        yield


class Migrated:
    """Migrates as the program does; a SQLite file that isn't there is a copy of one that was."""

    def __init__(self, pattern: Path) -> None:
        self._pattern = pattern

    def __call__(self, engine: Engine) -> None:
        """Brings a schema up to date."""
        file = Path(engine.url.database or "")
        if engine.dialect.name != "sqlite" or file.exists() or not self._copied(file):
            migrate(engine)

    def _copied(self, file: Path) -> bool:
        """Whether the file is the copy now.

        Not where somebody else made one meanwhile, or nobody can: the migrations say why.
        """
        if not os.access(file.parent, os.W_OK):
            return False
        if not self._pattern.exists():
            records = Records(f"sqlite:///{self._pattern}")
            migrate(records.engine)
            records.close()  # which works the log into the file
        copy = file.with_suffix(f".{os.urandom(4).hex()}")
        shutil.copy(self._pattern, copy)  # with its mode
        try:
            file.hardlink_to(copy)
        except FileExistsError:
            return False
        finally:
            copy.unlink()
        return True


class Compiled(BytecodeCache):
    """Templates compiled in this process, by their text."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Hands out what is kept of a template with this very text."""
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps what was compiled."""
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code
