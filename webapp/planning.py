"""The plan page: what would go, what it takes along, what is to be decided, and what stays."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from prompt_repo import documents
from prompt_repo.dependencies import check_planned
from prompt_repo.drift import Plan, State, compare
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import Kind
from prompt_repo.promotion import Decision, Order, Side, reach, undecided
from prompt_repo.releases import draft_of
from prompt_repo.repository import Repository
from webapp.board import Known, Line, known_of
from webapp.choosing import WRITTEN, Selection
from webapp.sides import Panes, panes

SHOWN = 200  # documents that a plan names; of more the number is told
ASKED = 10  # diverged documents that one page asks about; the rest come when these are decided
ALONG = {
    Kind.CONFIGURATION: "the emotions and variables that these prompts need",
    Kind.CHARACTER: "production doesn't know the character or a variable as they are here",
    Kind.OVERRIDE: "it can't stay without what goes",
    Kind.DEFAULT: "it can't stay without what goes",
}
"""Why a document goes that nobody picked."""
STAYS = {
    State.AHEAD: "not picked",
    State.DIVERGED: "diverged, and not picked",
    State.HELD_BACK: "rolled back, and held back since",
    State.HOTFIXED: "only production moved",
}
"""Why a document that differs doesn't go."""


@dataclass(frozen=True)
class Question:
    """A diverged document to decide about; `choice` and `text` as they were left."""

    line: Line
    panes: Panes
    choice: str
    text: str
    unsettled: bool


@dataclass(frozen=True)
class Planned:
    """A selection held against the plan as it is now."""

    plan: Plan
    selection: Selection
    order: Order
    going: list[Line]
    going_count: int
    along: Mapping[str, str]
    questions: list[Question]
    open_count: int
    decisions: Mapping[str, Decision]
    staying: list[tuple[str, int, list[Line]]]
    notes: str
    problems: tuple[Problem, ...]

    @property
    def unfit(self) -> list[str]:
        """The documents that go and break a rule, and may be left out for now: none if all do."""
        paths = dict.fromkeys(problem.path for problem in self.problems)
        found = [path for path in paths if path in self.plan.by_path and path not in self.along]
        return found if len(found) < self.going_count else []

    @property
    def ready(self) -> bool:
        """Whether it can be carried out."""
        return bool(self.going_count) and not self.open_count and not self.problems


def plan_for(repository: Repository, selection: Selection) -> Planned:
    """What carrying out a selection would do now; InvalidEdit where it can't be at all."""
    plan = compare(repository)
    known = known_of(repository, plan)
    selection = _settled(repository, plan, selection)
    chosen = selection.chosen(plan, list(known.fitting(selection.filters)))
    order = selection.order(plan, chosen)
    taken = reach(repository, plan, order) if chosen else set()
    order = selection.order(plan, chosen | taken) if taken - chosen else order
    open_ones = undecided(plan, order, taken)
    kept = {path for path, choice in order.decisions.items() if choice is Side.PRODUCTION}
    goes = taken - kept
    edited = [path for path, choice in order.decisions.items() if not isinstance(choice, Side)]
    return Planned(
        plan=plan,
        selection=selection,
        order=order,
        going=known.lines(taken, SHOWN),
        going_count=len(taken),
        along={path: ALONG[plan.by_path[path].place.kind] for path in taken - chosen},
        questions=[
            _question(repository, known, plan, selection, path) for path in open_ones[:ASKED]
        ],
        open_count=len(open_ones),
        decisions=order.decisions,
        staying=_staying(known, plan, taken),
        notes=draft_of(repository, plan, goes, edited),
        problems=_problems(repository, plan, goes) if not open_ones else (),
    )


def _settled(repository: Repository, plan: Plan, selection: Selection) -> Selection:
    """The selection without edited texts that are the overlapping merge as we offered it."""
    open_ones = {
        path
        for path, choice in selection.choices.items()
        if choice == WRITTEN and _is_as_offered(repository, plan, selection, path)
    }
    choices = {path: each for path, each in selection.choices.items() if path not in open_ones}
    return replace(selection, choices=choices, asked=frozenset(open_ones))


def _is_as_offered(repository: Repository, plan: Plan, selection: Selection, path: str) -> bool:
    item = plan.by_path.get(path)
    if item is None or item.state is not State.DIVERGED:
        return False
    found = panes(repository, plan, item)
    return not found.clean and documents.normalise(selection.texts.get(path, "")) == found.merged


def _question(
    repository: Repository, known: Known, plan: Plan, selection: Selection, path: str
) -> Question:
    item = plan.by_path[path]
    found = panes(repository, plan, item)
    text = selection.texts.get(path, found.merged or "")
    return Question(
        known.line(item), found, selection.choices.get(path, ""), text, path in selection.asked
    )


def _staying(known: Known, plan: Plan, taken: Collection[str]) -> list[tuple[str, int, list[Line]]]:
    """Why documents stay, how many for each reason, and the first of them."""
    staying = [item for item in plan.items if item.path not in taken]
    counts = Counter(item.state for item in staying)
    return [
        (
            STAYS[state],
            counts[state],
            known.lines([each.path for each in staying if each.state is state], SHOWN),
        )
        for state in State
        if counts[state]
    ]


def _problems(repository: Repository, plan: Plan, goes: Collection[str]) -> tuple[Problem, ...]:
    """What would be wrong with production afterwards."""
    try:
        check_planned(repository, plan, sorted(goes))
    except InvalidDocument as invalid:
        return invalid.problems
    return ()
