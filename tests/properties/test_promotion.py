"""Promotions, roll-backs, hotfixes and edits in any order, held against a simple model.

The model knows versions as values with a number and the versions they came from, one standing in
each environment, and which prompts are held back. It never looks at commits.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from prompt_repo import documents
from prompt_repo.drift import State, compare
from prompt_repo.editing import Edit, save
from prompt_repo.errors import NothingToPromote
from prompt_repo.model import Prompt
from prompt_repo.promotion import Decision, Order, Side, promote
from prompt_repo.releases import releases
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from prompt_repo.tagging import Promotion
from tests.factories import KIM, SAM, key, make_repository
from tests.gitrepo import git

NAMES = ["aria/idle", "aria/angry", "defaults/idle"]
PATHS = {key(name).path: name for name in NAMES}
TEXTS = st.sampled_from(["One.", "Two.", "Three.\nAnd more."])


@dataclass(frozen=True, eq=False)
class Version:
    """One text (None: removed), its number, and what it came from."""

    text: str | None
    number: int
    before: "Version | None"

    def past(self) -> "Iterable[Version]":
        at: Version | None = self
        while at is not None:
            yield at
            at = at.before


NEVER = Version(None, 0, None)
Standing = dict[str, Version]


@dataclass(frozen=True)
class Released:
    """A commit on production as the model remembers it."""

    commit: str
    before: Standing
    after: Standing
    rolled_back: bool = field(default=False)

    def changed(self) -> list[str]:
        return [name for name in NAMES if self.before[name].text != self.after[name].text]


class TwoEnvironments(RuleBasedStateMachine):
    """Random work on both environments; each step is done by the product and by the model."""

    @initialize()
    def begin(self) -> None:
        """One character, no prompts, both environments equal."""
        self.folder = Path(tempfile.mkdtemp())
        self.repository: Repository = make_repository(self.folder, ("aria",))
        promote(self.repository, Order(), KIM)
        self.staging: Standing = dict.fromkeys(NAMES, NEVER)
        self.production: Standing = dict.fromkeys(NAMES, NEVER)
        self.held: set[str] = set()
        self.released: list[Released] = []

    def teardown(self) -> None:
        """The folder goes."""
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # What people do on staging

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def edit(self, name: str, text: str) -> None:
        """A save in the editor."""
        save(self.repository, STAGING, [Edit(key(name), text)], SAM, "")
        self.staging = _put(self.staging, {name: text})

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        """A prompt is taken away."""
        if self.staging[name].text is None:
            return
        save(self.repository, STAGING, [Edit(key(name), None)], SAM, "")
        self.staging = _put(self.staging, {name: None})

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def push(self, name: str, text: str) -> None:
        """Somebody pushes a commit to staging with plain git."""
        if self.staging[name].text == text:
            return
        with self.clone(STAGING) as clone:
            _write(clone, name, text)
            git(clone, "commit", "-qam", "By hand")
            git(clone, "push", "-q", "origin", STAGING)
        self.staging = _put(self.staging, {name: text})

    # What happens to production

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def hotfix(self, name: str, text: str) -> None:
        """A commit on production that staging doesn't have."""
        if self.production[name].text == text:
            return
        with Clone(str(self.folder / "prompts.git"), PRODUCTION) as clone:
            _write(clone, name, text)
            git(clone, "commit", "-qam", "Hotfix")
            git(clone, "push", "-q", "origin", PRODUCTION)
        self._release(_put(self.production, {name: text}))

    @precondition(lambda self: self.states())
    @rule()
    def merge_by_hand(self) -> None:
        """CI merges staging with plain git, whatever happened before; a conflict it leaves alone.

        Which text stands is git's verdict; what number that is, and what is held back, is ours.
        """
        with self.clone(PRODUCTION) as clone:
            try:
                git(clone, "merge", "-q", "--no-ff", "-m", "Release", "origin/staging")
            except subprocess.CalledProcessError:
                return
            if _head(clone) == self.repository.head(PRODUCTION):  # all of staging is in already
                return
            texts = {name: _read(clone, name) for name in NAMES}
            sides = self.production, self.staging
            if any(texts[name] not in [side[name].text for side in sides] for name in NAMES):
                return  # git joined lines of both; versions that join two have a test of their own
            moved = {name for name in NAMES if texts[name] != self.production[name].text}
            picked = self.deliver(clone, "Release", moved)
        after = {
            name: self.production[name]
            if self.production[name].text == text
            else self.staging[name]
            for name, text in texts.items()
        }
        self._release(continued(after, self.staging), picked=picked)

    def clone(self, branch: str) -> "Clone":
        """A work tree of somebody outside."""
        return Clone(str(self.folder / "prompts.git"), branch)

    def deliver(self, clone: Path, message: str, moved: set[str]) -> set[str]:
        """Brings a commit to production that moves these prompts; gives those it names as picked.

        Here by a path on the disk, where nobody checks it.
        """
        git(clone, "push", "-q", "origin", PRODUCTION)
        return set()

    @precondition(lambda self: self.goes())
    @rule(data=st.data())
    def promote_everything(self, data: st.DataObject) -> None:
        """All that is ahead goes; what diverged is decided; held back stays or is picked."""
        picked = data.draw(
            st.sets(st.sampled_from(self.names(State.HELD_BACK)))
            if self.names(State.HELD_BACK)
            else st.just(set())
        )
        decisions = self._drawn(data, self.names(State.DIVERGED))
        going = {*self.names(State.AHEAD), *picked, *decisions}
        if not going:
            return
        done = promote(self.repository, _order(None, picked, decisions), KIM)
        self._decided(decisions)
        taken = {name for name in going if decisions.get(name) is not Side.PRODUCTION}
        after = {**self.production, **{name: self.staging[name] for name in taken}}
        self._release(continued(after, self.staging), done, picked)

    @precondition(lambda self: self.goes())
    @rule(data=st.data())
    def promote_some(self, data: st.DataObject) -> None:
        """What is named goes, held back or not."""
        able = self.names(State.AHEAD, State.HELD_BACK, State.DIVERGED)
        named = data.draw(st.sets(st.sampled_from(able), min_size=1))
        diverged = [name for name in named if name in self.names(State.DIVERGED)]
        decisions = self._drawn(data, diverged)
        done = promote(self.repository, _order(named, (), decisions), KIM)
        self._decided(decisions)
        taken = {name for name in named if decisions.get(name) is not Side.PRODUCTION}
        if not taken:
            assert done.tag == ""
            return
        after = {**self.production, **{name: self._taken(name) for name in taken}}
        self._release(continued(after, self.staging), done, named)

    def _taken(self, name: str) -> Version:
        """Staging's version; where it never had one, production's goes by a version of its own."""
        if self.staging[name] is NEVER:
            return _put(self.production, {name: None})[name]
        return self.staging[name]

    @precondition(lambda self: self.released)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        """One of the earlier commits is undone, all of it or some."""
        found = data.draw(st.sampled_from(self.released))
        only = data.draw(st.sets(st.sampled_from(found.changed()), min_size=1))
        moved = {n for n in only if self.production[n].text != found.after[n].text}
        left = {n for n in only if self.production[n].text != found.before[n].text}
        paths = [key(name).path for name in only]
        anyway = [key(name).path for name in moved]
        if not left:
            try:
                roll_back(self.repository, found.commit, KIM, only=paths, anyway=anyway)
            except NothingToPromote:
                return
            raise AssertionError("a roll-back of nothing was made")
        whole = only == set(found.changed()) and data.draw(st.booleans())
        named = None if whole else paths
        done = roll_back(self.repository, found.commit, KIM, only=named, anyway=anyway)
        after = dict(self.production)
        for name in left:
            old = found.before[name]
            known = old is not NEVER
            after[name] = old if known else Version(None, after[name].number + 1, after[name])
        self._release(continued(after, found.before), done, back=not found.rolled_back)

    # What must hold after every step

    @invariant()
    def texts_and_numbers_agree(self) -> None:
        """Both environments hold what the model says, at its numbers."""
        if not hasattr(self, "staging"):
            return
        for branch, standing in ((STAGING, self.staging), (PRODUCTION, self.production)):
            catalogue = self.repository.current(branch)
            for name in NAMES:
                found = self.repository.history.held(catalogue.commit, key(name).path)
                stored = catalogue.stored(key(name))
                assert (found.number if found else 0) == standing[name].number, (branch, name)
                assert (stored.prompt.text if stored else None) == standing[name].text

    @invariant()
    def the_plan_agrees(self) -> None:
        """The states of the plan are those of the model."""
        if hasattr(self, "staging"):
            found = {PATHS[item.path]: item.state for item in compare(self.repository).items}
            assert found == self.states()

    @invariant()
    def the_releases_agree(self) -> None:
        """What the index says that each commit of production changed is what its trees say."""
        if hasattr(self, "staging"):
            for each in releases(self.repository, limit=3).items:
                assert each.commit == self.repository.store.commit(each.commit.oid)

    def states(self) -> dict[str, State]:
        """What differs, and how."""
        return {
            name: self._state(name)
            for name in NAMES
            if self.staging[name].text != self.production[name].text
        }

    def names(self, *states: State) -> list[str]:
        """The prompts in these states."""
        return [name for name, state in self.states().items() if state in states]

    def goes(self) -> bool:
        """Whether anything can be promoted."""
        return bool(self.names(State.AHEAD, State.HELD_BACK, State.DIVERGED))

    def _state(self, name: str) -> State:
        ours, theirs = self.staging[name], self.production[name]
        if name in self.held:
            return State.HELD_BACK
        if theirs in ours.past() or theirs is NEVER:
            return State.AHEAD
        return State.HOTFIXED if ours in theirs.past() or ours is NEVER else State.DIVERGED

    def _drawn(self, data: st.DataObject, names: list[str]) -> dict[str, Decision]:
        return {name: data.draw(st.sampled_from([*Side, "Both of it."])) for name in names}

    def _decided(self, decisions: dict[str, Decision]) -> None:
        """What a decision does to staging, before anything is promoted."""
        texts = {name: text for name, text in decisions.items() if not isinstance(text, Side)}
        kept = [name for name, side in decisions.items() if side is Side.PRODUCTION]
        if texts or kept:
            before = self.production
            after = _put(self.staging, texts) | {name: before[name] for name in kept}
            self.staging = continued(after, before)

    def _release(
        self,
        after: Standing,
        done: Promotion | None = None,
        picked: Iterable[str] = (),
        *,
        back: bool = False,
    ) -> None:
        commit = done.commit.oid if done else self.repository.head(PRODUCTION)
        rolled_back = bool(done) and any(k == "Rolled-Back-To" for k, _ in done.commit.trailers)
        made = Released(commit, self.production, after, rolled_back)
        self.production = after
        self.held = (
            self.held | {*made.changed()} if back else self.held - {*made.changed(), *picked}
        )
        if made.changed():
            self.released.append(made)


def _put(standing: Standing, texts: dict[str, str | None]) -> Standing:
    """Where new texts stand as new versions."""
    new = {
        name: Version(text, standing[name].number + 1, standing[name])
        for name, text in texts.items()
        if standing[name].text != text
    }
    return {**standing, **new}


def continued(standing: Standing, other: Standing) -> Standing:
    """Of two versions with one text, the one with the higher number goes on."""
    return {
        name: other[name]
        if other[name] is not NEVER
        and other[name].text == mine.text
        and other[name].number > mine.number
        else mine
        for name, mine in standing.items()
    }


def _head(clone: Path) -> str:
    return git(clone, "rev-parse", "HEAD").strip()


def _read(clone: Path, name: str) -> str | None:
    """What a prompt's file in a work tree says; None where there is none."""
    file = clone / key(name).path
    if not file.exists():
        return None
    prompt = documents.parse(file.read_bytes(), key(name).path)
    assert isinstance(prompt, Prompt)
    return prompt.text


def _order(
    names: Iterable[str] | None, picked: Iterable[str], decisions: dict[str, Decision]
) -> Order:
    return Order(
        None if names is None else [key(name).path for name in names],
        [key(name).path for name in picked],
        {key(name).path: decision for name, decision in decisions.items()},
    )


class Clone:
    """A work tree of a branch, gone at the end."""

    def __init__(self, address: str, branch: str) -> None:
        self._address, self._branch = address, branch

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp())
        git(self._path, "clone", "-q", "-b", self._branch, self._address, "x")
        return self._path / "x"

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path)


def _write(clone: Path, name: str, text: str) -> None:
    file = clone / key(name).path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("prompt: |-\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    git(clone, "add", "-A")


TestTwoEnvironments = TwoEnvironments.TestCase
TestTwoEnvironments.settings = settings(max_examples=30, stateful_step_count=14, deadline=None)
