"""What an import means for each document, what it writes, and what it refuses to guess."""

import json
from pathlib import Path

import pytest

from prompt_repo import documents
from prompt_repo.changes import branch_of
from prompt_repo.editing import create_character
from prompt_repo.errors import InvalidReason, ProtectedBranch, ReviewRequired
from prompt_repo.model import Character, Source
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.transfer import Form, sides
from prompt_repo.transfer_apply import Choices, Order, apply, propose, undecided, undo
from prompt_repo.transfer_errors import ImportConflicts, ImportEdited, ImportMoved, InvalidFile
from prompt_repo.transfer_plan import State, Strategy, plan
from tests.factories import KIM, SAM, key, make_repository, put
from tests.transfers import exported, imported, planned, staged, states

ANGRY = "characters/aria/angry.yaml"
SHEET = "character,emotion,prompt_text\n{},{},{}\n"


def sheet(name: str, text: str) -> bytes:
    """A CSV of one prompt."""
    who = key(name)
    return SHEET.format(who.character or "", who.emotion, text).encode()


def text_of(repository: Repository, name: str) -> str | None:
    """What stands for a prompt on staging."""
    stored = repository.current(STAGING).stored(key(name))
    return stored.prompt.text if stored else None


def test_each_document_has_its_state(repository: Repository) -> None:
    """New, changed in the file, the same, changed here, changed on both sides."""
    names = ("aria/angry", "aria/happy", "aria/idle", "bolt/idle")
    base = put(repository, dict.fromkeys(names, "One\n"))
    rows = ["aria,angry,Mine", "aria,happy,Mine", 'aria,idle,"One\n"', 'bolt,idle,"One\n"']
    raw = "\n".join(["character,emotion,prompt_text", *rows, "bolt,happy,New"]).encode()
    put(repository, {"aria/angry": "Theirs", "bolt/idle": "Theirs"})

    found = states(repository, raw, base=base)

    assert {
        ANGRY: State.CONFLICT,
        "characters/aria/happy.yaml": State.UPDATE,
        "characters/aria/idle.yaml": State.UNCHANGED,
        "characters/bolt/idle.yaml": State.BEHIND,
        "characters/bolt/happy.yaml": State.CREATE,
    } == found


def test_what_differs_without_a_base_is_a_conflict(repository: Repository) -> None:
    """A file that names no commit can't tell who changed what; the plan says so."""
    put(repository, {"aria/angry": "One"})

    with planned(repository, sheet("aria/angry", "Two")) as found:
        assert 1 == found.counts[State.CONFLICT]
        assert found.warnings


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (Strategy.OVERWRITE, "ONE\ntwo\nthree\n"),
        (Strategy.SKIP, "one\ntwo\nTHREE\n"),
        (Strategy.MERGE, "ONE\ntwo\nTHREE\n"),
    ],
)
def test_a_strategy_decides_conflicts(
    repository: Repository, strategy: Strategy, text: str
) -> None:
    """The file's, ours, or both merged by three ways."""
    base = put(repository, {"aria/angry": "one\ntwo\nthree\n"})
    raw = exported(repository).replace(b"one\\ntwo", b"ONE\\ntwo")
    raw = b"".join(line for line in raw.splitlines(True) if b"checksum" not in line)
    raw = raw.replace(b"],\n}", b"]\n}")
    put(repository, {"aria/angry": "one\ntwo\nTHREE\n"})
    assert base.encode() in raw

    imported(repository, raw, strategy)

    assert text == text_of(repository, "aria/angry")


def test_a_merge_that_overlaps_is_left_to_people(repository: Repository) -> None:
    """Nothing is written until each overlap is decided; a decision for one beats that for all."""
    base = put(repository, {"aria/angry": "one", "bolt/idle": "x"})
    put(repository, {"aria/angry": "two"})
    raw = sheet("aria/angry", "three") + b"bolt,idle,y\n"
    head = repository.head(STAGING)

    with pytest.raises(ImportConflicts) as refused:
        imported(repository, raw, Strategy.MERGE, base=base)
    assert (ANGRY,) == refused.value.paths
    assert head == repository.head(STAGING)

    imported(repository, raw, Strategy.MERGE, {ANGRY: Strategy.SKIP}, base=base)
    assert ("two", "y") == (text_of(repository, "aria/angry"), text_of(repository, "bolt/idle"))


def test_a_merge_that_grows_too_large_is_left_to_people(repository: Repository) -> None:
    """Each side is small enough, both together are not; nothing is merged over the limit."""
    limit = repository.current(STAGING).configuration.limits.prompt_bytes
    lines = [f"{number}\n" for number in range(9)]
    base = put(repository, {"aria/angry": "".join(lines)})
    long = f"{'x' * (limit * 2 // 3)}\n"
    put(repository, {"aria/angry": "".join([long, *lines])})

    with planned(
        repository, sheet("aria/angry", f'"{"".join([*lines, long])}"'), base=base
    ) as found:
        assert [ANGRY] == undecided(found, Choices(Strategy.MERGE))


def test_a_plan_holds_while_others_edit_other_prompts(repository: Repository) -> None:
    """Prompts that the file is not about may move between preview and import."""
    with planned(repository, sheet("aria/angry", "Mine")) as found:
        put(repository, {"bolt/idle": "Meanwhile"})

        apply(repository, found, Order(KIM))

    assert "Mine" == text_of(repository, "aria/angry")
    assert "Meanwhile" == text_of(repository, "bolt/idle")


def test_a_plan_whose_prompts_moved_is_made_anew(repository: Repository) -> None:
    """What nobody has seen in the preview is not written over."""
    with planned(repository, sheet("aria/angry", "Mine")) as found:
        head = put(repository, {"aria/angry": "Meanwhile"})

        with pytest.raises(ImportMoved):
            apply(repository, found, Order(KIM))

    assert head == repository.head(STAGING)


def test_an_import_is_one_commit_by_whoever_imports(repository: Repository) -> None:
    """Many documents, one commit with its reason; the history counts it as one version each."""
    raw = b"character,emotion,prompt_text\naria,angry,A\nbolt,idle,B\n,happy,C\n"

    done = imported(repository, raw)

    commit = repository.store.commit(done.after)
    assert (done.before,) == commit.parents
    assert (KIM, "Bring it in", 3) == (commit.author, commit.reason, len(commit.changes))


def test_versions_that_are_missing_are_added(tmp_path: Path) -> None:
    """With their authors, times and reasons, after those that are here; one move of the ref."""
    source = make_repository(tmp_path / "one", ("aria",))
    put(source, {"aria/angry": "One"}, "First")
    target = make_repository(tmp_path / "two")
    imported(target, exported(source, versions=True))
    put(source, {"aria/angry": "Two"}, "Second")
    put(source, {"aria/angry": "Three"}, "Third")

    done = imported(target, exported(source, versions=True))

    assert (1, 2) == (done.documents, done.commits)
    head = target.head(STAGING)
    versions = target.history.page(head, ANGRY).versions
    assert ["Third", "Second", "First"] == [each.reason for each in versions]
    assert {SAM} == {each.author for each in versions}
    moves = [move.new for move in target.store.moves(STAGING)]
    assert head == moves[-1]
    assert done.before == moves[-2]


def test_diverged_versions_are_added_behind_ours(tmp_path: Path) -> None:
    """Both wrote a second version: by overwriting, the file's comes as the third."""
    source = make_repository(tmp_path / "one", ("aria",))
    put(source, {"aria/angry": "One"}, "First")
    target = make_repository(tmp_path / "two")
    imported(target, exported(source, versions=True))
    put(source, {"aria/angry": "Theirs"}, "Second there")
    put(target, {"aria/angry": "Ours"}, "Second here")
    raw = exported(source, versions=True)

    assert State.CONFLICT == states(target, raw)[ANGRY]
    imported(target, raw, Strategy.OVERWRITE)

    versions = target.history.page(target.head(STAGING), ANGRY).versions
    assert ["Second there", "Second here", "First"] == [each.reason for each in versions]


def test_a_removed_prompt_comes_as_one(tmp_path: Path) -> None:
    """With versions, an export tells of removed prompts, and an import removes them."""
    source = make_repository(tmp_path / "one", ("aria",))
    put(source, {"aria/angry": "One", "aria/idle": "Stays"}, "First")
    target = make_repository(tmp_path / "two")
    imported(target, exported(source, versions=True))
    put(source, {"aria/angry": None}, "Gone")

    imported(target, exported(source, versions=True))

    assert text_of(target, "aria/angry") is None
    assert "Stays" == text_of(target, "aria/idle")


def test_comments_of_files_here_stay(repository: Repository) -> None:
    """An import changes what a hand-written file says, not how it is written."""
    raw = b"# keep me\nprompt: |-\n  One\n"
    base = repository.store.write(
        STAGING, repository.head(STAGING), {ANGRY: raw}, author=SAM, message="By hand"
    )
    repository.written(STAGING, base)

    imported(repository, sheet("aria/angry", "Two"), base=base.oid)

    stands = repository.store.read(repository.head(STAGING), ANGRY)
    assert b"# keep me\nprompt: |-\n  Two\n" == stands


def test_an_import_can_be_a_change_request(repository: Repository) -> None:
    """Its branch begins where the plan was made; staging stays, reviews or none."""
    repository.reviewed = frozenset({STAGING})
    head = repository.head(STAGING)
    with planned(repository, sheet("aria/angry", "Mine")) as found:
        with pytest.raises(ReviewRequired):
            apply(repository, found, Order(KIM))

        opened = propose(repository, found, "sheet", Order(KIM, "From the sheet"))

    assert head == opened.fork == repository.head(STAGING)
    assert opened.head == repository.store.head(branch_of(opened.slug))
    raw = repository.store.read(opened.head, ANGRY)
    assert raw is not None
    assert "Mine" == documents.readable(raw, ANGRY)


def test_production_is_not_imported_into(repository: Repository) -> None:
    """It moves by promotion; a change request based on it can be proposed."""
    with staged(sheet("defaults/idle", "Mine"), repository) as found:
        made = plan(repository, PRODUCTION, found)

        with pytest.raises(ProtectedBranch):
            apply(repository, made, Order(KIM))

        opened = propose(repository, made, "hotfix", Order(KIM))

    assert repository.head(PRODUCTION) == opened.fork


def test_an_import_is_undone_in_one_commit(repository: Repository) -> None:
    """What it changed is put back, what it created goes, and what others did since stays."""
    put(repository, {"aria/angry": "Before"})
    raw = sheet("aria/angry", "After") + b"bolt,idle,New\n"
    done = imported(repository, raw, Strategy.OVERWRITE)
    put(repository, {"bolt/happy": "Meanwhile"})

    undone = undo(repository, done, KIM)

    assert 2 == undone.documents
    assert "Before" == text_of(repository, "aria/angry")
    assert text_of(repository, "bolt/idle") is None
    assert "Meanwhile" == text_of(repository, "bolt/happy")


def test_an_import_that_was_edited_since_is_not_undone(repository: Repository) -> None:
    """An edit made after the import is not taken back with it."""
    done = imported(repository, sheet("aria/angry", "After"))
    put(repository, {"aria/angry": "Edited since"})

    with pytest.raises(ImportEdited):
        undo(repository, done, KIM)


def test_characters_are_created_where_a_flag_says_so(repository: Repository) -> None:
    """A CSV names characters by id alone; without the flag an unknown one is an error."""
    raw = sheet("dana-ray/idle", "Hi")

    with pytest.raises(InvalidFile) as refused, planned(repository, raw):
        pass
    assert (2, "character") == (refused.value.problems[0].line, refused.value.problems[0].field)

    imported(repository, raw, create_characters=True)
    assert "Dana Ray" == repository.current(STAGING).character("dana-ray").name


def test_an_unknown_emotion_is_told_with_the_valid_ones(repository: Repository) -> None:
    """The repository's list decides, with the file's own additions."""
    with pytest.raises(InvalidFile) as refused, planned(repository, sheet("aria/bored", "Hm")):
        pass

    problem = refused.value.problems[0]
    assert ("emotion", ("idle", "happy", "angry")) == (problem.field, problem.valid)


def test_limits_of_the_repository_hold(repository: Repository) -> None:
    """A text that is longer than allowed here is an error, with its line."""
    raw = sheet("aria/angry", "x" * 300_000)

    with pytest.raises(InvalidFile) as refused, planned(repository, raw):
        pass

    assert "262,144 are allowed" in refused.value.problems[0].message


def test_an_import_takes_no_emotion_away(tmp_path: Path) -> None:
    """Emotions and variables of both sides stay; a variable that differs is a conflict."""
    source = make_repository(tmp_path / "one", ("aria",), light="dusk")
    put(source, {"aria/angry": "One"})
    target = make_repository(tmp_path / "two", ("bolt",), light="dawn", rain="soft")
    put(target, {"bolt/idle": "Here"})
    raw = exported(source)

    assert State.CONFLICT == states(target, raw)["prompts.yaml"]
    imported(target, raw, Strategy.SKIP)
    kept = target.current(STAGING).configuration.variables
    imported(target, raw, Strategy.OVERWRITE)
    taken = target.current(STAGING).configuration.variables

    assert {"light": "dawn", "rain": "soft"} == kept
    assert {"light": "dusk", "rain": "soft"} == taken


def test_a_choice_of_sources_and_emotions(repository: Repository) -> None:
    """Only overrides, only defaults, only one emotion; nothing else comes along."""
    put(repository, {"aria/angry": "A", "bolt/idle": "B", "defaults/idle": "C"})

    def rows(**chosen: object) -> list[bytes]:
        return exported(repository, Form.CSV, **chosen).splitlines()[1:]

    assert [b"aria,angry,A,,", b"bolt,idle,B,,"] == rows(sources=frozenset({Source.CHARACTER}))
    assert [b",idle,C,,"] == rows(sources=frozenset({Source.GLOBAL}))
    assert [b",idle,C,,", b"bolt,idle,B,,"] == rows(emotions=frozenset({"idle"}))
    assert [b"bolt,idle,B,,"] == rows(
        characters=frozenset({"bolt"}), sources=frozenset({Source.CHARACTER})
    )


def test_a_changed_file_is_not_taken_for_the_export(repository: Repository) -> None:
    """The checksum covers the items, however they are laid out; without it anything goes."""
    put(repository, {"aria/angry": "One"})
    value = json.loads(exported(repository))
    laid_out = json.dumps(value, indent=2).encode()
    value["items"][-1]["name"] = "Edited"

    assert {State.UNCHANGED} == set(states(repository, laid_out).values())
    with (
        pytest.raises(InvalidFile, match="checksum"),
        planned(repository, json.dumps(value).encode()),
    ):
        pass
    del value["checksum"]
    assert State.UPDATE in states(repository, json.dumps(value).encode()).values()


def test_a_forged_trailer_is_refused(tmp_path: Path) -> None:
    """A reason can't carry the server's own words into a commit, from a file neither."""
    source = make_repository(tmp_path / "one", ("aria",))
    put(source, {"aria/angry": "One"}, "Begin")
    raw = exported(source, versions=True)
    value = json.loads(raw)
    value["items"][-1]["versions"][0]["reason"] = "x\n\nPromoted-From: " + "a" * 40
    del value["checksum"]

    with (
        pytest.raises(InvalidFile, match="server"),
        planned(make_repository(tmp_path / "two"), json.dumps(value).encode()),
    ):
        pass


def test_a_reason_of_the_importer_is_checked(repository: Repository) -> None:
    """As of any edit."""
    with planned(repository, sheet("aria/angry", "x")) as found, pytest.raises(InvalidReason):
        apply(repository, found, Order(KIM, "Reviewed-By: me"))


def test_a_preview_shows_both_texts(repository: Repository) -> None:
    """What stands here and what the file says, of any document of the plan."""
    base = put(repository, {"aria/angry": "Before"})
    with planned(repository, sheet("aria/angry", "After"), base=base) as found:
        entry = found.entry(ANGRY)
        assert entry is not None

        both = sides(repository, found, entry)

    assert ("Before", "After", "Before") == (both.here, both.file, both.base)


def test_an_archived_character_comes_along(tmp_path: Path) -> None:
    """Archived ones are exported and imported like others, with their prompts."""
    source = make_repository(tmp_path / "one")
    create_character(source, STAGING, Character("old", "Old", archived=False), SAM, "")
    put(source, {"old/idle": "Still here"})
    raw = exported(source).replace(b'"name":"Old"', b'"name":"Old","archived":true')
    lines = [line for line in raw.splitlines() if b"checksum" not in line]
    text = b"\n".join(lines).replace(b"],\n}", b"]\n}")
    target = make_repository(tmp_path / "two")

    imported(target, text)

    assert target.current(STAGING).character("old").archived
    assert "Still here" == text_of(target, "old/idle")


def test_choices_name_documents() -> None:
    """One document's own choice comes before the one for all."""
    choices = Choices(Strategy.SKIP, {ANGRY: Strategy.MERGE})

    assert (Strategy.MERGE, Strategy.SKIP) == (choices.of(ANGRY), choices.of("x"))
