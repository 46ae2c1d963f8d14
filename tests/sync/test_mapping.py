"""The mapping for audit: tags by default, sealed originals by a setting, gone after its time."""

from pathlib import Path

import pytest

from sync import rules, tables_mapping
from sync.errors import UnusableKey
from sync.keyed import Key
from sync.mapping import Mapping, expire
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, dump, sync
from tests.sync.test_running import ROWS, RULES, TABLES


def synced(folder: Path, **how: object) -> tuple[Mapping, str, str]:
    """A mapping after a sync on SQLite, its address, and staging's."""
    source, target = f"sqlite:///{folder}/production", f"sqlite:///{folder}/staging"
    kept = f"sqlite:///{folder}/mapping"
    carry_out(source, TABLES, ROWS)
    mapping = Mapping(kept, Key(KEY), **how)  # type: ignore[arg-type]
    sync(source, target, RULES, record=mapping.recorder(rules.parse(RULES), "run 1"))
    return mapping, kept, target


def test_who_knows_an_original_finds_its_fake(tmp_path: Path) -> None:
    """In any spelling; and it is the one that stands in staging."""
    mapping, _, target = synced(tmp_path)

    (found,) = mapping.look_up(" ADA@old.test")

    assert [(found.fake,)] == ask(target, "SELECT email FROM users WHERE id = 1")
    assert ("email", None, "run 1") == (found.kind, found.original, found.run)
    assert [] == mapping.look_up("nobody@old.test")


def test_it_holds_no_original(tmp_path: Path) -> None:
    """Not one, in no column, also not in its file."""
    _, kept, _ = synced(tmp_path)

    text = "\n".join(cell for _, cell in dump(kept))
    raw = (tmp_path / "mapping").read_bytes()

    assert "example" in text
    for original in ("ada@old.test", "Ada Byron", "Turing", "Hopper"):
        assert original not in text
        assert original.encode() not in raw


def test_nothing_of_it_is_in_staging(tmp_path: Path) -> None:
    """Neither its table nor a tag."""
    mapping, _, target = synced(tmp_path, sealed=True)

    text = "\n".join(cell for _, cell in dump(target))

    assert mapping.tag("email", "ada@old.test") not in text
    assert [] == ask(target, "SELECT name FROM sqlite_master WHERE name LIKE '%mapping%'")


def test_sealed_originals_open_with_the_key_alone(tmp_path: Path) -> None:
    """From the fake back to the original; another key is refused."""
    mapping, kept, target = synced(tmp_path, sealed=True)
    ((fake,),) = ask(target, "SELECT email FROM users WHERE id = 2")

    assert ["alan@old.test"] == [found.original for found in mapping.look_up_fake(fake)]
    assert b"alan@old.test" not in (tmp_path / "mapping").read_bytes()
    with pytest.raises(UnusableKey):
        Mapping(kept, Key(KEY[::-1]), sealed=True).look_up_fake(fake)


def test_it_is_gone_after_its_time(tmp_path: Path) -> None:
    """Found no more, and taken away by the next clean-up."""
    mapping, kept, _ = synced(tmp_path, days=-1)
    ((before,),) = ask(kept, "SELECT count(*) FROM prompt_repo_mapping")

    assert [] == mapping.look_up("ada@old.test")
    assert before == expire(kept) > 5
    assert [(0,)] == ask(kept, "SELECT count(*) FROM prompt_repo_mapping")


def test_where_none_is_kept_there_is_nothing_to_take_away(tmp_path: Path) -> None:
    """A database of something else is left as it is."""
    address = f"sqlite:///{tmp_path}/other"
    carry_out(address, "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    before = list(dump(address))

    assert 0 == expire(address)
    assert before == list(dump(address))
    assert [] == ask(address, "SELECT name FROM sqlite_master WHERE name LIKE '%mapping%'")


def test_a_second_run_adds_nothing(tmp_path: Path) -> None:
    """The same originals have the same entries."""
    mapping, kept, target = synced(tmp_path)
    query = "SELECT tag, fake FROM prompt_repo_mapping ORDER BY 1, 2"
    before = ask(kept, query)

    sync(f"sqlite:///{tmp_path}/production", target, RULES,
         record=mapping.recorder(rules.parse(RULES), "run 2"))  # fmt: skip

    assert before == ask(kept, query)


@pytest.mark.parametrize("way", ["sqlite", "postgresql", "any"])
def test_entries_are_renewed_in_every_database(
    tmp_path: Path, postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The same fake of the same original is there once, with its latest run and time."""
    url = postgres.create() if way == "postgresql" else f"sqlite:///{tmp_path}/mapping"
    if way == "any":
        monkeypatch.setattr(tables_mapping, "WAYS", {})
    pairs = [
        ("full_name", "Ada\tBy\\ron", "Zoë\n“Núñez”\t\\N"),
        ("email", " ADA@old.test", "zoe@example.com"),
        ("email", "ada@old.test", "zoe@example.com"),
        ("phone", "+44 20 7946 0958", "+44 20 7946 0001"),
    ]
    mapping = Mapping(url, Key(KEY), sealed=True)
    for run in ("run 1", "run 2"):
        mapping.record(pairs, run)
    mapping.record([], "run 3")

    (person,) = mapping.look_up("Ada\tBy\\ron")
    (email,) = mapping.look_up_fake("zoe@example.com")

    assert ("Zoë\n“Núñez”\t\\N", "run 2", "Ada\tBy\\ron") == (
        person.fake, person.run, person.original,
    )  # fmt: skip
    assert ("email", "run 2", "ada@old.test") == (email.kind, email.run, email.original)
    assert [(3,)] == ask(url, "SELECT count(*) FROM prompt_repo_mapping")
    mapping.close()


def test_tags_are_the_same_one_by_one_and_together() -> None:
    """However long a text is, also none and one that is no text at all."""
    digest = Key(KEY).digest("mapping tag")
    texts = ["", "a", "x" * 15, "x" * 16, "é" * 40, "long" * 1000, "\ud800"]

    high, low = digest.of_texts(texts)

    assert [digest(text) for text in texts] == [
        int(above) << 64 | int(below) for above, below in zip(high, low, strict=True)
    ]
