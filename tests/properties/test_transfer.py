"""Whatever a repository holds comes back from its export: texts, people, times, reasons."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from prompt_repo import documents, git_cli
from prompt_repo.editing import create_character
from prompt_repo.git_store import GitStore
from prompt_repo.layout import CONFIGURATION, character_path
from prompt_repo.model import Author, Character, Configuration, Limits, Prompt, PromptKey
from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer import Form
from prompt_repo.transfer_cells import defused, restored, tags_cell, tags_of
from prompt_repo.transfer_plan import State
from tests import strategies
from tests.factories import KIM, SAM, configuration
from tests.transfers import body, exported, imported, states

EMPTY = (replace(configuration(), limits=Limits(prompt_bytes=1_000_000)),)
WHO = ("aria", "a-b", "bolt")
KEYS = [PromptKey(who, each) for who in (None, *WHO) for each in ("idle", "happy", "angry")]
PEOPLE = st.sampled_from(
    [Author("Sam Byrne", "sam@studio.example"), Author("Ada, née “X”", "a+b@x"), Author("", "e@x")]
)
REASONS = st.sampled_from(
    [
        "Begin",
        "",
        "Softer\n\nMore of it here.",
        "Subject\n\nFixes: #3",
        "Subject\n\nA: b\n\nC: d",
        "=HYPERLINK()",
        "Line one\nline two",
        "日本語 🚀",
    ]
)
COMMENTED = st.booleans()
LARGE = (HealthCheck.filter_too_much, HealthCheck.too_slow)
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking, which takes minutes where an example makes repositories."""


@dataclass(frozen=True)
class Step:
    """One commit: who, when, why, and the files it leaves behind (None: taken away)."""

    author: Author
    at: int
    reason: str
    files: dict[str, bytes | None]


@st.composite
def steps(draw: st.DrawFn, by_hand: st.SearchStrategy[bool] = COMMENTED) -> list[Step]:
    """A repository's commits, with clocks that go back and files written by hand."""
    given = draw(strategies.VARIABLES)
    first: dict[str, bytes | None] = {
        CONFIGURATION: documents.dump(replace(EMPTY[0], variables=given), CONFIGURATION)
    }
    drawn = draw(strategies.characters)
    pool = draw(st.lists(strategies.prompts, min_size=1, max_size=3))
    for who in WHO:
        character = replace(drawn, id=who) if who == WHO[0] else Character(who, who)
        first[character_path(who)] = documents.dump(character, character_path(who))
    found = [Step(draw(PEOPLE), 1_700_000_000, "Begin", first)]
    standing: dict[str, bytes] = {}
    for _ in range(draw(st.integers(0, 8))):
        files: dict[str, bytes | None] = {}
        for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)):
            if key.path in standing and draw(st.integers(0, 3)) == 0:
                files[key.path] = None
                del standing[key.path]
                continue
            raw = documents.dump(draw(st.sampled_from(pool)), key.path)
            raw = b"# by hand\n" + raw if draw(by_hand) else raw
            if standing.get(key.path) != raw:
                files[key.path] = standing[key.path] = raw
        at = 1_700_000_000 + draw(st.integers(-5, 5))
        if files:
            found.append(Step(draw(PEOPLE), at, draw(REASONS), files))
    return found


@contextmanager
def made(history: list[Step]) -> Iterator[tuple[Repository, Path]]:
    """A repository with these commits, and a folder for another."""
    with tempfile.TemporaryDirectory() as folder:
        store = GitStore.create(Path(folder) / "prompts.git")
        git_cli.fast_import(store.path, stream(history))
        yield Repository(store), Path(folder)


def stream(history: list[Step]) -> Iterator[bytes]:
    """The commits as git reads them."""
    for number, step in enumerate(history, 1):
        name = f"{step.author.name} " if step.author.name else ""
        who = f"{name}<{step.author.email}> {step.at} +0000"
        words = step.reason.encode()
        yield f"commit refs/heads/{STAGING}\nmark :{number}\n".encode()
        yield f"author {who}\ncommitter {who}\n".encode()
        yield b"data %d\n%b\n" % (len(words), words)
        if number > 1:
            yield b"from :%d\n" % (number - 1)
        for path, raw in step.files.items():
            if raw is None:
                yield b"D %b\n" % path.encode()
            else:
                yield b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(raw), raw)
    yield b"reset refs/heads/production\nfrom :1\n\n"


def empty(folder: Path) -> Repository:
    """A repository as `init` makes one, with other emotions than the ones that come."""
    return Repository.create(folder / "empty.git", Configuration(EMPTY[0].emotions[:1]), KIM)


def told(repository: Repository) -> dict[str, list[tuple[object, ...]]]:
    """Every prompt's and character's versions: who, when, why, what."""
    head = repository.head(STAGING)
    repository.history.ensure(head)
    return {
        path: [
            (each.number, each.author, each.created_at, each.reason, each.blob)
            for each in repository.history.line(held.row, held.number)
        ]
        for path, held in repository.history.state(head).items()
        if path != CONFIGURATION
    }


@settings(max_examples=15, phases=QUICK, suppress_health_check=LARGE)
@given(steps())
def test_an_export_with_versions_brings_everything_along(history: list[Step]) -> None:
    """Into an empty repository: every version of everything, and the same bytes out again."""
    with made(history) as (source, folder):
        raw = exported(source, versions=True)
        target = empty(folder)

        imported(target, raw)

        assert told(source) == told(target)
        settled = target.current(STAGING).configuration
        assert source.current(STAGING).configuration == settled
        assert body(raw) == body(exported(target, versions=True))


@settings(max_examples=8, phases=QUICK, suppress_health_check=LARGE)
@given(steps())
def test_an_export_brings_along_what_stands(history: list[Step]) -> None:
    """Without versions: equal characters, emotions, variables and prompts; the same bytes again."""
    with made(history) as (source, folder):
        raw = exported(source)
        target = empty(folder)

        done = imported(target, raw)

        assert 1 == done.commits
        assert body(raw) == body(exported(target))


@settings(max_examples=8, phases=QUICK, suppress_health_check=LARGE)
@given(steps(), st.booleans(), st.sampled_from(Form), st.booleans())
def test_an_export_changes_nothing_where_it_is_from(
    history: list[Step], versions: bool, form: Form, bom: bool
) -> None:
    """Importing an export into its own repository leaves every document as it is."""
    with made(history) as (source, _):
        head = source.head(STAGING)
        raw = exported(source, form, versions=versions, bom=bom)

        found = states(source, raw)
        done = imported(source, raw)

        assert {State.UNCHANGED} >= set(found.values())
        assert head == done.after == source.head(STAGING)


@settings(max_examples=8, phases=QUICK, suppress_health_check=LARGE)
@given(steps(st.just(False)), st.booleans())
def test_a_csv_brings_prompts_along(history: list[Step], versions: bool) -> None:
    """CSV into a repository with the same characters: the same rows out again."""
    with made(history) as (source, folder):
        raw = exported(source, Form.CSV, versions=versions)
        target = Repository.create(folder / "other.git", EMPTY[0], KIM)
        for who in WHO:
            create_character(target, STAGING, Character(who, who), SAM, "")

        imported(target, raw)

        assert raw == exported(target, Form.CSV, versions=versions)


def test_real_prompts_come_along(shared_data: Path, tmp_path: Path) -> None:
    """The prompts that people use every day: through JSON and CSV, byte for byte."""
    texts = strategies.real_prompts(shared_data)
    names = {name.replace(" ", "-").lower(): text for name, text in texts.items()}
    files: dict[str, bytes | None] = {CONFIGURATION: documents.dump(EMPTY[0])}
    for name, text in names.items():
        who = Character(name, name)
        files[character_path(name)] = documents.dump(who, character_path(name))
        path = PromptKey(name, "idle").path
        files[path] = documents.dump(Prompt(documents.normalise(text)), path)
    with made([Step(SAM, 1_700_000_000, "Begin", files)]) as (source, folder):
        for form in Form:
            target = Repository.create(folder / f"{form}.git", EMPTY[0], KIM)

            imported(target, exported(source, form), create_characters=True)

            for name, text in names.items():
                stored = target.current(STAGING).stored(PromptKey(name, "idle"))
                assert stored is not None
                assert documents.normalise(text) == stored.prompt.text


@given(st.text())
def test_a_defused_cell_comes_back(text: str) -> None:
    """Whatever a cell holds, it begins like no formula, and comes back as it was."""
    cell = defused(text)

    assert text == restored(cell)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize(
    "text",
    [
        *("007", "1.50", "1/2", "10:30", "50%", "$5", "1E5", "2026-11-25", "12345678901234567890"),
        *("3 March", "mar-3", "TRUE", "9 am", "5.", "'007", "''=1+1", "=1+1", "＝1+1"),
    ],
)
def test_what_a_spreadsheet_counts_is_a_text_to_it(text: str) -> None:
    """LibreOffice and Excel leave a cell alone that begins with a quote."""
    cell = defused(text)

    assert f"'{text}" == cell
    assert text == restored(cell)


@pytest.mark.parametrize(
    "text", ["24 fps, slow", "2d-hero", "3 marching men", "marcus2", "may", "Don't", "½", "...", ""]
)
def test_words_stay_as_they_are(text: str) -> None:
    """No quote stands before what any spreadsheet takes for a text anyhow."""
    assert text == defused(text) == restored(text)


@given(strategies.TAGS)
def test_tags_come_back_from_a_cell(tags: tuple[str, ...]) -> None:
    """Tags in one cell are the same tags again, with commas in them too."""
    assert tags == tags_of(tags_cell(tags))
