"""Staging's prompts into production: everything, or some of it.

Every promotion is one commit on production, told from others by its parents and trailers, so
that plain git shows them as well as we do. What people decide about diverged prompts reaches
staging first; should the machine stop in between, staging is merely right a moment too early.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from prompt_repo import documents
from prompt_repo.carrying import Carried, single, whole
from prompt_repo.catalogue import Catalogue
from prompt_repo.dependencies import check_planned, check_result, with_dependencies
from prompt_repo.drift import Drift, Plan, State, compare
from prompt_repo.errors import (
    InvalidEdit,
    NothingToPromote,
    NotInPlan,
    PlanMoved,
    Undecided,
)
from prompt_repo.history_build import uncollected
from prompt_repo.layout import names_of
from prompt_repo.model import Author, Commit, FileChange, Held, Label, Prompt
from prompt_repo.reasons import check_reason
from prompt_repo.releases import documents_counted, draft_of, label_of
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.tagging import Promotion, promotion_of, tagged
from prompt_repo.trailers import (
    HOTFIX_FROM,
    PROMOTED_FROM,
    PROMOTES_HELD_BACK,
    with_trailers,
)


class Side(StrEnum):
    """Whose text of a diverged document goes on."""

    STAGING = "staging"
    PRODUCTION = "production"


Decision = Side | str
"""A side, or (any other string) a prompt's new text."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The commits that a plan was made on."""

    staging: str
    production: str


@dataclass(frozen=True)
class Order:
    """What shall be promoted.

    Without `paths` everything that is ahead; `picked` names what is held back and shall go along.
    `decisions` say what becomes of diverged documents.
    """

    paths: Collection[str] | None = None
    picked: Collection[str] = ()
    decisions: Mapping[str, Decision] = field(default_factory=dict)


def promote(
    repository: Repository,
    order: Order,
    author: Author,
    reason: str = "",
    pinned: Pinned | None = None,
) -> Promotion:
    """Carries out a promotion: a merge of staging, or a plain commit where `paths` are named.

    Raises PlanMoved where `pinned` no longer holds, Undecided for what needs a decision,
    NothingToPromote, NotInPlan for a path that doesn't differ, InvalidDocument where the
    result would break a rule, InvalidEdit, InvalidReason, RepositoryBusy.
    """
    words = check_reason(reason)
    with repository.store.locked(), uncollected():
        plan = planned(repository, pinned)
        chosen = choose(repository, plan, order)
        decided = {path: order.decisions[path] for path in chosen if path in order.decisions}
        source = _decide(repository, plan, decided, author, words)
        blobs = _going(repository, plan, source, chosen, decided)
        if not blobs and order.paths is not None:  # all that was named stays production's
            return Promotion(repository.store.commit(source), "", ())
        message = _message(plan, order, source, blobs, words)
        if source != plan.staging:  # the notes tell of versions that the decisions made
            commit = _commit(repository, plan, order, source, blobs, author, message)
            return tagged(repository, plan.production, commit)
        label = label_of(repository, message, draft_of(repository, plan, blobs))
        commit = _commit(repository, plan, order, source, blobs, author, message, label)
        return promotion_of(commit, label)


def planned(repository: Repository, pinned: Pinned | None = None) -> Plan:
    """The plan as it is now; raises PlanMoved where it isn't the one that was `pinned`."""
    plan = compare(repository)
    if pinned is not None and pinned != Pinned(plan.staging, plan.production):
        raise PlanMoved(plan.staging, plan.production)
    return plan


def choose(repository: Repository, plan: Plan, order: Order) -> list[str]:
    """The paths that an order takes, with those they depend on, in order.

    Raises NotInPlan, Undecided, NothingToPromote, InvalidEdit.
    """
    taken = reach(repository, plan, order)
    if open_ones := undecided(plan, order, taken):
        raise Undecided(open_ones)
    if not taken:
        raise NothingToPromote
    return [item.path for item in plan.items if item.path in taken]


def reach(repository: Repository, plan: Plan, order: Order) -> set[str]:
    """The paths that an order takes and those they depend on, decided or not.

    Raises NotInPlan, InvalidEdit.
    """
    _known(plan, (*(order.paths or ()), *order.picked, *order.decisions))
    if order.paths is None:
        wanted = {*plan.paths(State.AHEAD, State.DIVERGED), *order.picked}
    else:
        wanted = {*order.paths, *order.picked}
    back = next((path for path in plan.paths(State.HOTFIXED) if path in wanted), None)
    if back:
        raise InvalidEdit(f"{back} only moved in production; there is nothing to promote")
    return with_dependencies(repository, plan, wanted)


def undecided(plan: Plan, order: Order, paths: Collection[str]) -> list[str]:
    """Those of the paths, in order, about which the order should say more."""
    asked = plan.of(State.DIVERGED, State.HELD_BACK)
    return [item.path for item in asked if item.path in paths and _is_open(item, order)]


def _known(plan: Plan, paths: Iterable[str]) -> None:
    for path in paths:
        if path not in plan.by_path:
            raise NotInPlan(path, "differs between staging and production")


def _is_open(item: Drift, order: Order) -> bool:
    if item.state is State.DIVERGED:
        return item.path not in order.decisions
    named = {*(order.paths or ()), *order.picked}
    return item.state is State.HELD_BACK and item.path not in named


def _decide(
    repository: Repository,
    plan: Plan,
    decided: Mapping[str, Decision],
    author: Author,
    reason: str,
) -> str:
    """Brings decisions to staging; gives the commit of staging that is promoted."""
    texts = {path: text for path, text in decided.items() if not isinstance(text, Side)}
    kept = [path for path, side in decided.items() if side is Side.PRODUCTION]
    if not texts and not kept:
        return plan.staging
    changes = {path: _edited(repository, plan.by_path[path], text) for path, text in texts.items()}
    message = reason or f"Settle {documents_counted(len(decided))} that diverged"
    commit = repository.store.write(
        STAGING,
        plan.staging,
        changes,
        existing={path: _held_blob(plan.by_path[path].production) for path in kept},
        author=author,
        message=with_trailers(message, [(HOTFIX_FROM, plan.production)]),
    )
    repository.written(STAGING, commit)
    return commit.oid


def _edited(repository: Repository, item: Drift, text: str) -> bytes:
    """A diverged prompt's file with the text that was decided on."""
    if item.place.key is None:
        raise InvalidEdit(f"{item.path} is no prompt; choose staging's or production's")
    raw = repository.store.blob(item.blob) if item.blob else None
    before = documents.parse(raw, item.path) if raw is not None else Prompt("")
    if not isinstance(before, Prompt):
        raise TypeError(f"{item.path} holds no prompt")
    return documents.edit(
        raw, item.path, Prompt(documents.normalise(text), before.notes, before.tags)
    )


def _commit(
    repository: Repository,
    plan: Plan,
    order: Order,
    source: str,
    blobs: Mapping[str, str | None],
    author: Author,
    message: str,
    label: Label | None = None,
) -> Commit:
    """The commit on production, after everything it would hold was checked."""
    names = names_of(blobs)
    carried: Carried | None = None
    if source == plan.staging:
        carried = check_planned(repository, plan, blobs.keys(), names)
    else:
        check_result(repository, repository.catalogue(plan.production), source, list(blobs))
    graft = whole(source, names, plan.apart)
    told = _Told(repository, plan, blobs, carried)
    commit = repository.store.write(
        PRODUCTION,
        plan.production,
        {},
        existing={path: blobs[path] for path in single(graft, names, blobs)},
        graft=graft if graft.names else None,
        known=(),  # found out meanwhile
        author=author,
        message=message,
        extra_parents=() if order.paths is not None else (source,),
        label=label,
        meanwhile=told.foresee,
    )
    commit = replace(commit, changes=told.changes)
    repository.written(PRODUCTION, commit, told.catalogue)
    return commit


class _Told:
    """What a commit on its way to the disk changes, and what production holds by it."""

    def __init__(
        self,
        repository: Repository,
        plan: Plan,
        blobs: Mapping[str, str | None],
        carried: Carried | None,
    ) -> None:
        self._repository, self._plan, self._blobs = repository, plan, blobs
        self._carried = carried
        self.changes: tuple[FileChange, ...] = ()
        self.catalogue: Catalogue | None = None

    def foresee(self, commit: Commit) -> None:
        """Finds it out, which takes as long as the disk does."""
        if self._carried is not None:
            self.catalogue = self._repository.foreseen(PRODUCTION, commit, self._carried)
        before = self._plan.by_path
        self.changes = tuple(
            FileChange(path, _held_blob(before[path].production), blob)
            for path, blob in self._blobs.items()
        )


def _message(
    plan: Plan, order: Order, source: str, blobs: Mapping[str, str | None], reason: str
) -> str:
    """What the commit says: the reason, and in trailers where it all comes from."""
    trailers = [(PROMOTED_FROM, source)] if order.paths is not None else []
    held = plan.paths(State.HELD_BACK)
    trailers += [(PROMOTES_HELD_BACK, path) for path in held if path in blobs]
    return with_trailers(
        reason or f"Promote {documents_counted(len(blobs))} from staging", trailers
    )


def _going(
    repository: Repository,
    plan: Plan,
    source: str,
    chosen: Iterable[str],
    decided: Mapping[str, Decision],
) -> dict[str, str | None]:
    """What goes, in order, and its blob: staging's of the plan, or what was decided on since."""
    items = plan.by_path
    return {
        path: _blob(repository, source, path) if path in decided else items[path].blob
        for path in chosen
        if decided.get(path) is not Side.PRODUCTION
    }


def _blob(repository: Repository, commit: str, path: str) -> str | None:
    return _held_blob(repository.history.held(commit, path))


def _held_blob(held: Held | None) -> str | None:
    return held.blob if held is not None else None
