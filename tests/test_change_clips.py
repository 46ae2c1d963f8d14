"""Clips of a change request: what the base has and what is proposed, side by side."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import put
from tests.preview_world import ANGRY, World, world
from tests.web import Browser, person
from webapp import previews
from webapp.access import Role
from webapp.records.preview_models import Status

ARIA, DEFAULT = "characters/aria", "defaults"


@pytest.fixture
def here(tmp_path: Path, redis_url: str) -> Iterator[World]:
    with world(tmp_path, redis_url) as made:
        yield made


def propose(here: World, place: str, text: str, emotion: str = "angry") -> str:
    """Proposes a text for staging; gives the change request's address."""
    answer = here.admin.post(
        f"/environments/staging/{place}/{emotion}/propose",
        action="open",
        base=here.repository.head("staging"),
        text=text,
        title="Softer",
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def asked(here: World) -> dict[str, str]:
    """Every preview there is: its resolved text by where it comes from."""
    return {each.origin: each.resolved_text for each in previews.listed(here.records)}


def labels(page: str) -> list[str]:
    """What the two places are called."""
    return re.findall(r'<section aria-label="([^"]+)"', page)


def test_a_proposed_text_is_seen_beside_the_one_that_stands(here: World) -> None:
    """The words first, then by one press both clips; nothing is made twice, nothing merged."""
    address = propose(here, ARIA, "{character_name} sighs.")
    before = here.admin.get(f"{address}/clips").text

    made = here.admin.post(f"{address}/clips", path="characters/aria/angry.yaml", of="aria/angry")
    again = here.admin.post(f"{address}/clips", path="characters/aria/angry.yaml", of="aria/angry")
    here.work()
    after = here.admin.get(made.headers["Location"]).text

    assert ["Before: staging", "After: as proposed"] == labels(before)
    assert ("Aria fumes" in before, "Aria sighs." in before, "Make 2 clips" in before) == (
        True,
    ) * 3
    assert [303, 303] == [made.status_code, again.status_code]
    filled = ANGRY.replace("{character_name}", "Aria")
    assert {"saved": f"{filled} Hold.", "proposed": "Aria sighs."} == asked(here)
    assert (2, 2) == (len(previews.listed(here.records)), after.count("<video"))
    assert (False, True) == ("Make 2 clips" in after, "text as proposed" in after)
    assert "Hold." in here.repository.current("staging").overrides("aria")["angry"].prompt.text


def test_a_default_is_seen_for_whom_it_reaches(here: World) -> None:
    """Bolt reads it, Aria has her own; another reader can be chosen, a stranger can't."""
    put(here.repository, {"defaults/happy": "{character_name} smiles."})
    address = propose(here, DEFAULT, "{character_name} beams.", "happy")
    path = "defaults/happy.yaml"

    first = here.admin.get(f"{address}/clips").text
    second = here.admin.get(f"{address}/clips?path={path}&of=bolt/happy").text
    stranger = here.admin.get(f"{address}/clips?path={path}&of=nobody/happy").text
    other = here.admin.get(f"{address}/clips?path={path}&of=aria/angry").text
    here.admin.post(f"{address}/clips", path=path, of="bolt/happy")

    assert "Aria beams." in first
    assert '<option value="bolt/happy">Bolt, happy' in first
    assert "Bolt beams." in second
    assert ["Aria beams." in each for each in (stranger, other)] == [True, True]
    assert {"saved": "Bolt smiles.", "proposed": "Bolt beams."} == asked(here)


def test_a_side_without_a_text_has_no_clip(here: World) -> None:
    """A prompt that is new: one clip is offered, and made."""
    address = propose(here, ARIA, "{character_name} waits.", "idle")

    page = here.admin.get(f"{address}/clips").text
    here.admin.post(f"{address}/clips", path="characters/aria/idle.yaml", of="aria/idle")

    assert ("No prompt, and no default" in page, "Make 1 clip" in page) == (True, True)
    assert {"proposed": "Aria waits."} == asked(here)


def test_a_default_that_nobody_reads_is_seen_as_it_is(here: World) -> None:
    """And the page says that nobody does."""
    put(here.repository, {"bolt/angry": "Bolt clanks."})
    address = propose(here, DEFAULT, "Steam rises.")

    page = here.admin.get(f"{address}/clips").text
    here.admin.post(f"{address}/clips", path="defaults/angry.yaml", of="/angry")

    assert ("No character reads this default" in page, "Steam rises." in page) == (True, True)
    assert "Steam rises." == asked(here)["proposed"]


def test_a_document_that_is_not_of_it_is_named(here: World) -> None:
    """Neither the page nor the button makes something else instead."""
    address = propose(here, ARIA, "Sighs.")

    page = here.admin.get(f"{address}/clips?path=defaults/angry.yaml").text
    here.admin.post(f"{address}/clips", path="defaults/angry.yaml")

    assert "does not change <code>defaults/angry.yaml</code>" in page
    assert {} == asked(here)


def test_a_merged_request_shows_the_clips_it_had(here: World) -> None:
    """The base is what it was merged into, not what stands now."""
    address = propose(here, ARIA, "{character_name} sighs.")
    here.admin.post(f"{address}/clips", path="characters/aria/angry.yaml", of="aria/angry")
    here.work()
    _approve_and_merge(here, address)

    page = here.admin.get(f"{address}/clips").text

    assert "sighs" in here.repository.current("staging").overrides("aria")["angry"].prompt.text
    assert ("Merged" in page, 2) == (True, page.count("<video"))
    assert {Status.COMPLETED} == {each.status for each in previews.listed(here.records)}


def test_who_may_look_may_not_make(here: World) -> None:
    """A viewer sees both places, and no button."""
    address, viewer = propose(here, ARIA, "Sighs."), person(here.app, Role.VIEWER)

    page, refused = viewer.get(f"{address}/clips"), viewer.post(f"{address}/clips")

    assert (200, False, 403) == (page.status_code, "Make 2" in page.text, refused.status_code)


def _approve_and_merge(here: World, address: str) -> None:
    other: Browser = person(here.app, Role.ADMIN, "kim")
    head = re.search(r'name="head" value="([0-9a-f]+)"', other.get(address).text)
    assert head is not None
    other.post(f"{address}/say", action="approve", head=head[1])
    assert 303 == other.post(f"{address}/merge", head=head[1]).status_code
