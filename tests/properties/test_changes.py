"""Change requests against a simple model: dictionaries that are forked, edited and joined."""

import shutil
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from prompt_repo.change_merging import Order, merge, update
from prompt_repo.changes import add, compare, propose, verdict
from prompt_repo.document_merging import Side
from prompt_repo.editing import Edit
from prompt_repo.errors import MergeConflicts, NothingProposed
from prompt_repo.repository import STAGING
from tests.factories import KIM, SAM, key, make_repository, put

NAMES = ("aria/angry", "aria/idle", "defaults/angry")
TEXTS = ("One.", "Two.", "Three.", None)
Texts = dict[str, str | None]


@dataclass
class Change:
    """What a change request began from, and what it holds."""

    slug: str
    fork: Texts
    now: Texts

    def paths(self) -> set[str]:
        """What it proposes."""
        return {name for name in NAMES if self.now[name] != self.fork[name]}

    def clashes(self, base: Texts) -> set[str]:
        """What the base has changed too, to something else."""
        return {
            name for name in self.paths() if base[name] not in (self.fork[name], self.now[name])
        }


class Requests(RuleBasedStateMachine):
    """Edits on staging and in change requests, updates and merges, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.repository = make_repository(self.folder, ("aria",))
        self.staging: Texts = dict.fromkeys(NAMES, "Begun.")
        put(self.repository, self.staging)
        self.open: list[Change] = []
        self.numbers = count()

    def teardown(self) -> None:
        """The index holds what Git holds."""
        assert self.repository.check() == []
        shutil.rmtree(self.folder)

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def edit_staging(self, name: str, text: str | None) -> None:
        if text != self.staging[name]:
            put(self.repository, {name: text})
            self.staging[name] = text

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def propose(self, name: str, text: str | None) -> None:
        if text == self.staging[name]:
            return
        # Two of one second, author, text and reason would be one commit.
        reason = f"Proposal {next(self.numbers)}"
        opened = propose(self.repository, STAGING, "change", [Edit(key(name), text)], KIM, reason)
        change = Change(opened.slug, dict(self.staging), {**self.staging, name: text})
        self.open.append(change)

    @precondition(lambda self: self.open)
    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS), data=st.data())
    def add(self, name: str, text: str | None, data: st.DataObject) -> None:
        change = data.draw(st.sampled_from(self.open))
        if text != change.now[name]:
            add(self.repository, change.slug, [Edit(key(name), text)], KIM)
            change.now[name] = text

    @precondition(lambda self: self.open)
    @rule(side=st.sampled_from(Side), data=st.data())
    def update(self, side: Side, data: st.DataObject) -> None:
        change = data.draw(st.sampled_from(self.open))
        head, base = self.head(change), self.repository.head(STAGING)
        if self.repository.store.is_ancestor(base, head):
            with pytest.raises(NothingProposed):
                update(self.repository, change.slug, STAGING, head, SAM)
            return
        clashes, proposed = change.clashes(self.staging), change.paths()
        found = verdict(self.repository, compare(self.repository, base, head))
        assert {each.path for each in found.conflicts} == {key(name).path for name in clashes}
        if clashes:
            with pytest.raises(MergeConflicts):
                update(self.repository, change.slug, STAGING, head, SAM)
        choices = {(each.path, each.field): side for each in found.conflicts}
        update(self.repository, change.slug, STAGING, head, SAM, choices)
        theirs = clashes if side is Side.THEIRS else set()
        kept = proposed - theirs
        change.fork = dict(self.staging)
        change.now = {
            name: change.now[name] if name in kept else self.staging[name] for name in NAMES
        }

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        change = data.draw(st.sampled_from(self.open))
        order = Order(change.slug, self.head(change), STAGING, 1, "Title")
        if not change.paths():
            with pytest.raises(NothingProposed):
                merge(self.repository, order, SAM)
        elif change.clashes(self.staging):
            with pytest.raises(MergeConflicts):
                merge(self.repository, order, SAM)
        else:
            merge(self.repository, order, SAM)
            self.staging |= {name: change.now[name] for name in change.paths()}
            self.open.remove(change)

    @invariant()
    def staging_and_every_request_hold_what_the_model_says(self) -> None:
        assert self.texts(self.repository.head(STAGING)) == self.staging
        for change in self.open:
            assert self.texts(self.head(change)) == change.now

    def head(self, change: Change) -> str:
        return self.repository.head(f"changes/{change.slug}")

    def texts(self, commit: str) -> Texts:
        catalogue = self.repository.catalogue(commit)
        found = {name: catalogue.stored(key(name)) for name in NAMES}
        return {name: each.prompt.text if each else None for name, each in found.items()}


TestRequests = Requests.TestCase
TestRequests.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
