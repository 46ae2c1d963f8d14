"""Merges of two commits, each beside what `git merge-tree --write-tree` says of the same."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompt_repo import documents
from prompt_repo.git_store import GitStore
from prompt_repo.model import Prompt
from prompt_repo.repository import Repository
from prompt_repo.tree_merging import TreeMerge, merge
from tests.gitrepo import Graph, git

ANGRY, IDLE, WHO = (
    "characters/aria/angry.yaml",
    "defaults/idle.yaml",
    "characters/aria/character.yaml",
)
Files = Mapping[str, str]


def prompt(text: str, notes: str = "", tags: tuple[str, ...] = ()) -> str:
    """A prompt's file."""
    return documents.dump(Prompt(text, notes, tags)).decode()


class Three:
    """A base and two sides of it in one repository."""

    def __init__(self, folder: Path) -> None:
        store = GitStore.create(folder / "prompts.git")
        self.repository = Repository(store)
        self.graph = Graph(store.path)

    def merged(self, base: Files | None, ours: Files, theirs: Files) -> TreeMerge:
        """Our merge; `git` and `tree` are git's verdict on the same."""
        parents = [self.graph.commit(base)] if base is not None else []
        left, right = self.graph.commit(ours, parents), self.graph.commit(theirs, parents)
        marks = self.graph.flush()
        return self.of(marks[left], marks[right])

    def of(self, ours: str, theirs: str) -> TreeMerge:
        """Our merge of two commits."""
        self.ours, self.theirs = ours, theirs
        return merge(self.repository, ours, theirs)

    def git(self) -> tuple[bool, str]:
        """Whether git merges cleanly, and to which tree."""
        command = ["git", "-C", str(self.repository.store.path), "merge-tree", "--write-tree"]
        done = subprocess.run(
            [*command, "--allow-unrelated-histories", self.ours, self.theirs],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0, done.stdout.split("\n", 1)[0]

    def tree(self, merged: TreeMerge) -> str:
        """The tree that our merge makes."""
        store = self.repository.store
        files = {name: store.blob(blob) for name, blob in store.files(self.ours)}
        for name, raw in merged.changes.items():
            files.pop(name, None)
            if raw is not None:
                files[name] = raw
        mark = self.graph.commit({name: raw.decode() for name, raw in files.items()})
        return git(store.path, "rev-parse", f"{self.graph.flush()[mark]}^{{tree}}")


@pytest.fixture
def three(tmp_path: Path) -> Three:
    return Three(tmp_path)


def test_edits_of_different_prompts_never_conflict(three: Three) -> None:
    """As git."""
    base = {ANGRY: prompt("One."), IDLE: prompt("Still.")}

    merged = three.merged(base, base | {ANGRY: prompt("Two.")}, base | {IDLE: prompt("Waits.")})

    assert merged.clean
    assert three.git() == (True, three.tree(merged))


def test_edits_of_different_lines_are_joined(three: Three) -> None:
    """As git."""
    lines = [f"Line {number}.\n" for number in range(9)]
    one, other = lines.copy(), lines.copy()
    one[1], other[7] = "Other.\n", "Another.\n"

    merged = three.merged(*({ANGRY: prompt("".join(each))} for each in (lines, one, other)))

    assert merged.clean
    assert three.git() == (True, three.tree(merged))


def test_one_line_edited_by_both_is_a_conflict_in_that_field(three: Three) -> None:
    """As git; ours says which field, and what each side wanted."""
    merged = three.merged(
        {ANGRY: prompt("One.")}, {ANGRY: prompt("Two.")}, {ANGRY: prompt("Three.")}
    )

    assert not three.git()[0]
    (conflict,) = merged.conflicts
    assert (conflict.path, conflict.field) == (ANGRY, "prompt")
    assert (conflict.base, conflict.ours, conflict.theirs) == ("One.", "Two.", "Three.")


def test_text_and_notes_side_by_side_are_joined(three: Three) -> None:
    """Git conflicts here, for the lines touch; the fields have nothing to do with each other."""
    base = {ANGRY: prompt("One.", "Old note")}

    merged = three.merged(
        base, {ANGRY: prompt("Two.", "Old note")}, {ANGRY: prompt("One.", "New note")}
    )

    assert not three.git()[0]
    assert merged.clean
    assert documents.parse(merged.changes[ANGRY], ANGRY) == Prompt("Two.", "New note")


def test_tags_of_both_sides_are_joined(three: Three) -> None:
    """Git conflicts; each side's additions and removals both count."""
    base = {ANGRY: prompt("One.", tags=("a", "b"))}

    merged = three.merged(
        base,
        {ANGRY: prompt("One.", tags=("a", "b", "c"))},
        {ANGRY: prompt("One.", tags=("b", "d"))},
    )

    assert not three.git()[0]
    assert merged.clean
    assert documents.parse(merged.changes[ANGRY], ANGRY) == Prompt("One.", "", ("b", "c", "d"))


def test_the_same_prompt_added_twice(three: Three) -> None:
    """Equal files are no conflict, as git; different texts are one, as git; tags alone are not."""
    same = three.merged({}, {ANGRY: prompt("One.")}, {ANGRY: prompt("One.")})
    assert same.clean
    assert three.git()[0]

    other = three.merged({}, {ANGRY: prompt("One.")}, {ANGRY: prompt("Two.")})
    assert [each.field for each in other.conflicts] == ["prompt"]
    assert not three.git()[0]

    tags = three.merged(
        {}, {ANGRY: prompt("One.", tags=("a",))}, {ANGRY: prompt("One.", tags=("b",))}
    )
    assert tags.clean
    assert not three.git()[0]


def test_deleted_here_and_edited_there_is_a_conflict_of_the_whole(three: Three) -> None:
    """As git."""
    base = {ANGRY: prompt("One."), IDLE: prompt("Still.")}

    merged = three.merged(base, {IDLE: base[IDLE]}, base | {ANGRY: prompt("Two.")})

    (conflict,) = merged.conflicts
    assert (conflict.path, conflict.field, conflict.ours) == (ANGRY, "", None)
    assert conflict.theirs == prompt("Two.")
    assert not three.git()[0]


def test_an_edit_does_not_follow_a_renamed_character(three: Three) -> None:
    """Git carries the edit into the likest new file. An id says who a character is: we ask."""
    text = "".join(f"A line that makes files alike, {number}.\n" for number in range(20))
    base = {ANGRY: prompt(text), WHO: "name: Aria\n"}
    renamed = {name.replace("aria", "bella"): each for name, each in base.items()}

    merged = three.merged(base, renamed, base | {ANGRY: prompt(text + "Edited.\n")})

    assert three.git()[0]
    assert [each.path for each in merged.conflicts] == [ANGRY]


def test_an_emptied_folder_is_gone(three: Three) -> None:
    """As git: no empty folder stays behind, and the other side's edit elsewhere lands."""
    base = {ANGRY: prompt("One."), IDLE: prompt("Still.")}

    merged = three.merged(base, {IDLE: base[IDLE]}, base | {IDLE: prompt("Waits.")})

    assert merged.clean
    assert three.git() == (True, three.tree(merged))


def test_markers_in_a_text_are_text(three: Three) -> None:
    """As git: a prompt that shows a conflict is none."""
    marked = "<<<<<<< ours\nOne.\n=======\nTwo.\n>>>>>>> theirs\n"
    base = {ANGRY: prompt(marked), IDLE: prompt("Still.")}

    merged = three.merged(
        base, base | {ANGRY: prompt(marked + "More.\n")}, base | {IDLE: prompt("Waits.")}
    )

    assert merged.clean
    assert three.git() == (True, three.tree(merged))


def test_histories_without_a_common_ancestor_join(three: Three) -> None:
    """As git, where unrelated histories are let in."""
    merged = three.merged(None, {ANGRY: prompt("One.")}, {IDLE: prompt("Still.")})

    assert merged.clean
    assert three.git() == (True, three.tree(merged))


def test_a_mode_changed_beside_an_edit_is_no_conflict(three: Three, tmp_path: Path) -> None:
    """As git; we write every document as an ordinary file."""
    base = {ANGRY: prompt("One.")}
    begun = three.graph.commit(base)
    marks = three.graph.flush()
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(three.repository.store.path), "-b", "changes/c1", str(clone))
    (clone / ANGRY).chmod(0o755)
    git(clone, "commit", "-qam", "Mode")
    git(clone, "push", "-q", "origin", "HEAD:refs/heads/changes/mode")
    edited = three.graph.commit({ANGRY: prompt("Two.")}, [begun])
    marks = three.graph.flush()

    merged = three.of(git(clone, "rev-parse", "HEAD"), marks[edited])

    assert merged.clean
    assert three.git()[0]
    assert merged.changes == {ANGRY: prompt("Two.").encode()}


def test_crossed_histories_are_merged_as_git_does(three: Three) -> None:
    """Two merge bases: the verdict and the tree are git's."""
    lines = [f"Line {number}.\n" for number in range(12)]

    def files(**changed: str) -> Files:
        new = [changed.get(f"l{number}", line) for number, line in enumerate(lines)]
        return {ANGRY: prompt("".join(new))}

    graph = three.graph
    root = graph.commit(files())
    one = graph.commit(files(l1="One.\n"), [root])
    other = graph.commit(files(l6="Other.\n"), [root])
    both = {"l1": "One.\n", "l6": "Other.\n"}
    left = graph.commit(files(**both), [one, other])
    right = graph.commit(files(**both), [other, one])
    last_left = graph.commit(files(**both, l3="Left.\n"), [left])
    last_right = graph.commit(files(**both, l10="Right.\n"), [right])
    marks = graph.flush()

    merged = three.of(marks[last_left], marks[last_right])

    assert merged.clean
    assert three.git() == (True, three.tree(merged))


def crossed(three: Three, files: Mapping[str, Files]) -> TreeMerge:
    """A root, two edits of it, each merged into the other, and then one more edit on each side."""
    graph = three.graph
    root = graph.commit(files["root"])
    one, other = (graph.commit(files[name], [root]) for name in ("one", "other"))
    left = graph.commit(files["left merge"], [one, other])
    right = graph.commit(files["right merge"], [other, one])
    last = [graph.commit(files["left"], [left]), graph.commit(files["right"], [right])]
    marks = graph.flush()
    bases = git(three.repository.store.path, "merge-base", "--all", *(marks[each] for each in last))
    assert len(bases.split()) == 2
    return three.of(*(marks[each] for each in last))


def test_a_conflict_across_crossed_histories(three: Three) -> None:
    """Both sides edit one line after they crossed: a conflict to git, and ours names the field."""
    both = "One.\n{}\nOther.\n"
    files = {
        "root": {ANGRY: prompt("A.\nSame.\nB.\n"), IDLE: prompt("Still.")},
        "one": {ANGRY: prompt("One.\nSame.\nB.\n"), IDLE: prompt("Still.")},
        "other": {ANGRY: prompt("A.\nSame.\nOther.\n"), IDLE: prompt("Still.")},
        "left merge": {ANGRY: prompt(both.format("Same.")), IDLE: prompt("Still.")},
        "right merge": {ANGRY: prompt(both.format("Same.")), IDLE: prompt("Still.")},
        "left": {ANGRY: prompt(both.format("Left.")), IDLE: prompt("Still.")},
        "right": {ANGRY: prompt(both.format("Right.")), IDLE: prompt("Waits.")},
    }

    merged = crossed(three, files)

    assert not three.git()[0]
    (conflict,) = merged.conflicts
    assert (conflict.path, conflict.field) == (ANGRY, "prompt")
    assert (conflict.ours, conflict.theirs) == (both.format("Left."), both.format("Right."))
    assert merged.changes == {IDLE: prompt("Waits.").encode()}  # the rest is merged all the same


def test_bases_that_conflict_themselves(three: Three) -> None:
    """What both decided alike is no conflict again; what was decided twice is one, as in git."""
    texts = {"root": "Root.", "one": "One.", "other": "Other."}
    files = {name: {ANGRY: prompt(text)} for name, text in texts.items()}
    settled = {ANGRY: prompt("Settled.")}
    alike = dict.fromkeys(("left merge", "right merge", "left"), settled)
    merged = crossed(three, files | alike | {"right": {**settled, IDLE: prompt("Waits.")}})
    assert merged.clean
    assert three.git() == (True, three.tree(merged))

    apart = {
        name: {ANGRY: prompt(name.split()[0])}
        for name in ("left merge", "right merge", "left", "right")
    }
    apart["right"] = {**apart["right"], IDLE: prompt("Waits.")}
    merged = crossed(three, files | apart)
    assert not three.git()[0]
    assert [(ANGRY, "prompt", "left", "right")] == [
        (each.path, each.field, each.ours, each.theirs) for each in merged.conflicts
    ]


WORDS = {ANGRY: "Rage", IDLE: "Waiting for the tide", "characters/bo/angry.yaml": "Grr"}
"""Texts of different files are unlike each other, or git would take one for another renamed."""


def side() -> st.SearchStrategy[dict[str, str]]:
    """Some of three files, each with a few lines out of four, in any order."""

    def file(word: str) -> st.SearchStrategy[str]:
        lines = st.sampled_from([f"{word * 9} {each}\n" for each in ("ah", "oh", "uh", "eh")])
        text = st.lists(lines, min_size=1, max_size=7).map("".join)
        return st.builds(prompt, text, st.sampled_from(["", "Note."]))

    return st.fixed_dictionaries({}, optional={name: file(word) for name, word in WORDS.items()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(side(), min_size=4, max_size=7), st.data())
def test_where_git_is_clean_we_are_and_the_tree_is_gits(
    tmp_path_factory: pytest.TempPathFactory, sides: list[Files], data: st.DataObject
) -> None:
    """Over random histories with merges, criss-cross ones too."""
    three = Three(tmp_path_factory.mktemp("random"))
    commits = [three.graph.commit(sides[0])]
    for files in sides[1:]:
        parents = data.draw(st.lists(st.sampled_from(commits), min_size=1, max_size=2, unique=True))
        commits.append(three.graph.commit(files, parents))
    marks = three.graph.flush()

    merged = three.of(marks[commits[-1]], marks[commits[-2]])

    clean, tree = three.git()
    if clean:
        assert merged.clean
        assert three.tree(merged) == tree
    for name, raw in merged.changes.items():
        if raw is not None:
            documents.parse(raw, name)


def test_nothing_of_a_merge_is_left_in_the_repository(three: Three) -> None:
    """Git's merge happens aside: no object is added."""
    base = {ANGRY: prompt("One.\nTwo.\nThree.\nFour.\n")}
    begun = three.graph.commit(base)
    left = three.graph.commit({ANGRY: prompt("0ne.\nTwo.\nThree.\nFour.\n")}, [begun])
    right = three.graph.commit({ANGRY: prompt("One.\nTwo.\nThree.\n4our.\n")}, [begun])
    marks = three.graph.flush()
    path = three.repository.store.path
    before = git(path, "count-objects", "-v")

    merged = three.of(marks[left], marks[right])

    assert merged.clean
    assert git(path, "count-objects", "-v") == before
