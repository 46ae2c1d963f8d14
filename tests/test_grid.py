"""What the matrix shows, and what its filters leave."""

from pathlib import Path

import pytest

from prompt_repo.editing import Edit, change_character, create_character, save
from prompt_repo.model import Character, PromptKey, Source
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import KIM, SAM, make_repository, put
from webapp import grid as module
from webapp.grid import Filters, Grid, grid, row


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two characters, promoted; then Kim rewrites one prompt and one default."""
    made = make_repository(tmp_path, ("bolt",))
    create_character(made, STAGING, Character("aria", "Aria", tags=("radio",)), SAM, "Add")
    put(
        made,
        {"defaults/idle": "Waits by the door.", "aria/idle": "Listens.", "bolt/angry": "Hums."},
    )
    promote(made, Order(), SAM, "First")
    edits = [
        Edit(PromptKey("bolt", "angry"), "Sparks at the door.", tags=("loud",)),
        Edit(PromptKey(None, "idle"), "Waits near the door."),
    ]
    save(made, STAGING, edits, KIM, "Sparks")
    return made


def shown(found: Grid) -> dict[str, list[str]]:
    """The looks of the cells, by row."""
    return {each.id or "defaults": [cell.look for cell in each.cells] for each in found.rows}


def lit(repository: Repository, **filters: object) -> dict[str, list[str]]:
    """The emotions that pass, by row."""
    found = grid(repository, STAGING, Filters(**filters))  # type: ignore[arg-type]
    return {
        each.id or "defaults": [cell.emotion for cell in each.cells if "quiet" not in cell.look]
        for each in found.rows
    }


def test_a_cell_is_its_state(repository: Repository) -> None:
    """Override, default or missing, and whether production holds another."""
    found = grid(repository, STAGING, Filters())

    assert {
        "defaults": ["global drifts", "missing", "missing"],
        "aria": ["character", "missing", "missing"],
        "bolt": ["global drifts", "missing", "character drifts"],
    } == shown(found)
    assert 2 == found.total
    assert "Angry: override, version 2, ahead of production" == found.rows[2].cells[2].label


def test_production_shows_the_drift_as_well(repository: Repository) -> None:
    """Its own prompts, marked where staging has moved on."""
    found = grid(repository, PRODUCTION, Filters())

    assert "Angry: override, version 1, ahead of production" == found.rows[2].cells[2].label


def test_settings_drift_at_the_name(repository: Repository) -> None:
    """A rename is no prompt, and is to be promoted all the same."""
    change_character(repository, STAGING, "bolt", lambda who: Character(who.id, "Bolt II"), SAM, "")

    rows = grid(repository, STAGING, Filters()).rows

    assert ["", "", "ahead of production"] == [each.drift for each in rows]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"source": Source.CHARACTER}, {"aria": ["idle"], "bolt": ["angry"]}),
        ({"source": Source.GLOBAL}, {"defaults": ["idle"], "bolt": ["idle"]}),
        ({"author": "Kim Osei"}, {"defaults": ["idle"], "bolt": ["angry"]}),
        ({"tag": "radio"}, {"aria": ["idle", "happy", "angry"]}),
        ({"tag": "loud"}, {"bolt": ["angry"]}),
        ({"query": "DOOR"}, {"defaults": ["idle"], "bolt": ["angry"]}),
        ({"query": "bolt"}, {"bolt": ["idle", "happy", "angry"]}),
        ({"query": "bolt sparks"}, {"bolt": ["angry"]}),
        ({"drift": True}, {"defaults": ["idle"], "bolt": ["idle", "angry"]}),
        ({"query": "door", "author": "Sam Byrne"}, {}),
        ({"query": "b", "source": Source.MISSING}, {"bolt": ["happy"]}),
        ({"query": "…"}, {}),
    ],
)
def test_filters_light_the_cells_that_pass_all(
    repository: Repository, filters: dict[str, object], expected: dict[str, list[str]]
) -> None:
    """And leave out the rows in which none does."""
    assert expected == lit(repository, **filters)


def test_filters_offer_what_there_is(repository: Repository) -> None:
    """The last authors, and the tags of characters and prompts."""
    found = grid(repository, STAGING, Filters())

    assert {"Kim Osei": 2, "Sam Byrne": 1} == found.authors
    assert {"loud": 1, "radio": 1} == found.tags


def test_pages_show_every_row_once(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults stand on the first alone."""
    monkeypatch.setattr(module, "PAGE", 1)

    first = grid(repository, STAGING, Filters())
    second = grid(repository, STAGING, Filters(), after=first.next_after or "")

    assert (["", "aria"], "aria") == ([each.id for each in first.rows], first.next_after)
    assert (["bolt"], None) == ([each.id for each in second.rows], second.next_after)


def test_drift_is_found_anew_when_either_side_moves(repository: Repository) -> None:
    """It is kept with staging's commit, and production moves by itself."""
    before = dict(module.drifts(repository))

    promote(repository, Order(), SAM, "Second")

    assert {("", "idle"), ("bolt", "angry")} == set(before)
    assert {} == module.drifts(repository)


def test_one_row_is_as_in_the_grid(repository: Repository) -> None:
    """For whoever edits beside it."""
    rows = grid(repository, STAGING, Filters()).rows

    assert rows == [row(repository, STAGING, ident) for ident in ("", "aria", "bolt")]
