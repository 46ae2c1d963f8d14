"""Passwords as they are stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from webapp import passwords, people
from webapp.access import Role
from webapp.records import Records

OLD, NEW = "the words of long ago", "the words of today"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Records]:
    """Records in which Sam's password was hashed more cheaply than is done today."""
    records = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    records.migrate()
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", cheap)
        people.add(records, "sam", OLD, Role.ADMIN)
    patch.undo()
    yield records
    records.close()


@pytest.fixture(autouse=True)
def _as_people_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the hashes themselves."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())


def stored(records: Records) -> str:
    return people.found(records, "sam").password


def test_a_hash_that_is_dated_is_made_anew_at_the_log_in(kept: Records) -> None:
    """The right password alone does it, and opens the account before and after."""
    before = stored(kept)

    wrong = people.authenticate(kept, "sam", NEW)
    unmoved = stored(kept)
    right = people.authenticate(kept, "sam", OLD)
    after = stored(kept)

    assert (None, before) == (wrong, unmoved)
    assert right is not None
    assert (True, False) == (passwords.is_dated(before), passwords.is_dated(after))
    assert people.authenticate(kept, "sam", OLD) is not None


def test_a_password_changed_meanwhile_is_not_put_back(
    kept: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An admin resets it while its dated hash is being made anew: the old one opens nothing."""
    hashed = passwords.hashed

    def slowly(password: str) -> str:
        if password == OLD:
            people.set_password(kept, "sam", NEW)
        return hashed(password)

    monkeypatch.setattr(passwords, "hashed", slowly)

    people.authenticate(kept, "sam", OLD)

    assert passwords.matches(stored(kept), NEW)
    assert people.authenticate(kept, "sam", OLD) is None
