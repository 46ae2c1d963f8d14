"""Pages around a file that plain git broke: they say what is wrong, and let it be mended."""

import pytest
from flask import Flask

from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import SAM
from tests.test_pages import ANGRY, ENV, LogIn, app, log_in, prompts, send

__all__ = ["app", "log_in", "prompts"]
PATH = "characters/aria/angry.yaml"
WRONG = f"{PATH}:1:9: prompt: this must be text, not a number; put it in quotes"


@pytest.fixture(autouse=True)
def broken(prompts: Repository) -> None:
    """Aria's angry prompt as version 3 holds it."""
    break_by_git(prompts, PATH, b"prompt: 12\n")


def break_by_git(prompts: Repository, path: str, raw: bytes) -> None:
    """Commits a file as plain git would, unchecked."""
    head = prompts.head(STAGING)
    prompts.store.write(STAGING, head, {path: raw}, author=SAM, message="By hand")


@pytest.mark.parametrize(
    "address",
    [ANGRY, f"{ANGRY}/history", f"{ANGRY}/history/3", f"{ENV}/characters/aria"],
)
def test_pages_say_what_is_wrong(app: Flask, log_in: LogIn, address: str) -> None:
    """With file, line and column."""
    for role in ("viewer", "admin"):
        page = log_in(role).get(address)

        assert (200, True) == (page.status_code, WRONG in page.text)


def test_two_versions_are_compared_by_what_the_file_holds(app: Flask, log_in: LogIn) -> None:
    """The broken one whole."""
    page = log_in("viewer").get(f"{ANGRY}/compare?from=2&to=3")

    assert page.status_code == 200
    assert "12" in page.text


def test_a_text_replaces_it(app: Flask, log_in: LogIn, prompts: Repository) -> None:
    """The editor begins with none, and saves as ever."""
    form = {"text": "Whole.", "reason": "Mend", "action": "save"}
    answer = send(log_in("admin"), ANGRY, {**form, "base": prompts.head(STAGING)}, page=ANGRY)

    assert answer.status_code == 303
    assert "Whole." == prompts.current(STAGING).resolve("aria", "angry").text


def test_it_is_reverted(app: Flask, log_in: LogIn, prompts: Repository) -> None:
    """To a version that can be read; to the broken one there is no way back."""
    browser, address = log_in("admin"), f"{ANGRY}/history/2/revert"
    base = {"base": prompts.head(STAGING), "reason": "Mend"}
    answer = send(browser, address, base, page=address)
    assert answer.status_code == 303
    assert (
        "Aria goes quiet.\nCold wall.\n" == prompts.current(STAGING).resolve("aria", "angry").text
    )

    back = f"{ANGRY}/history/3/revert"
    refused = send(browser, back, {**base, "base": prompts.head(STAGING)}, page=back)

    assert (422, True) == (refused.status_code, "this must be text" in refused.text)
    assert back not in browser.get(f"{ANGRY}/history/3").text


def test_it_is_removed(app: Flask, log_in: LogIn, prompts: Repository) -> None:
    """And the default stands."""
    address = f"{ANGRY}/remove"
    form = {"base": prompts.head(STAGING), "reason": "Out"}
    answer = send(log_in("admin"), address, form, page=address)

    assert answer.status_code == 303
    assert "Fumes." == prompts.current(STAGING).resolve("aria", "angry").text


def test_a_broken_default_leaves_overrides_alone(
    app: Flask, log_in: LogIn, prompts: Repository
) -> None:
    """Those who fall back to it are told."""
    send(log_in("admin"), f"{ANGRY}/history/2/revert", {"base": prompts.head(STAGING)}, page=ANGRY)
    break_by_git(prompts, "defaults/angry.yaml", b"prompt: [\n")
    browser = log_in("viewer")

    own, fallen = browser.get(ANGRY), browser.get(f"{ENV}/characters/bolt/angry")

    assert (200, False) == (own.status_code, "can’t be read" in own.text)
    assert (200, True) == (fallen.status_code, "The default’s file can’t be read" in fallen.text)


def test_a_broken_character_hides_no_other_page(
    app: Flask, log_in: LogIn, prompts: Repository
) -> None:
    """Neither the defaults it would read, nor the lists of characters and of what was removed."""
    break_by_git(prompts, PATH, b"prompt: x\n")
    form = {"base": prompts.head(STAGING), "reason": "Out"}
    browser = log_in("admin")
    assert 303 == send(browser, f"{ANGRY}/remove", form, page=f"{ANGRY}/remove").status_code
    break_by_git(prompts, "characters/aria/character.yaml", b"name: []\n")

    pages = ("characters", "defaults", "removed", "matrix", "search?q=aria", "characters/bolt")
    answers = [browser.get(f"{ENV}/{page}").status_code for page in pages]

    assert [200] * len(pages) == answers


def test_a_prompt_broken_in_production_does_not_hide_stagings(
    app: Flask, log_in: LogIn, prompts: Repository
) -> None:
    """Its page in staging still tells which version production has."""
    prompts.store.write(
        PRODUCTION, prompts.head(PRODUCTION), {PATH: b"prompt: 1\n"}, author=SAM, message="By hand"
    )
    break_by_git(prompts, PATH, b"prompt: x\n")

    page = log_in("viewer").get(ANGRY)

    assert (200, True) == (page.status_code, "production has v1" in page.text)
