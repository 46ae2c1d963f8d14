"""The pages, files and API of the audit log, and the trails of prompts and people."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

from prompt_repo.repository import STAGING
from tests.factories import make_repository, put
from tests.transfers import exported
from tests.web import Browser, bearer, make_app, person, services
from webapp import audit, audit_anchors, audit_entries, audit_log, audit_tending
from webapp.access import Role, Scope
from webapp.audit_chain import GENESIS, digest
from webapp.audit_reading import Wanted, everything
from webapp.audit_words import Kind
from webapp.cli import main

ANGRY = f"/environments/{STAGING}/characters/aria/angry"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    put(make_repository(tmp_path, ("aria",)), {"aria/happy": "Smiles.", "defaults/happy": "Joy."})
    return make_app(tmp_path)


@pytest.fixture
def admin(app: Flask) -> Browser:
    return person(app, Role.ADMIN, "sam")


def save(browser: Browser, app: Flask, words: str) -> str:
    base = services(app).repository.get().head(STAGING)
    form = {"action": "save", "text": words, "reason": "Louder", "notes": "", "tags": ""}
    assert browser.post(ANGRY, base=base, **form).status_code == 303
    return services(app).repository.get().head(STAGING)


def enter(app: Flask, subject: str, **more: Any) -> None:
    entry = audit.unasked("person:eve", "test", subject, "done", **more)
    audit_entries.write(services(app).records, entry)


def subjects(app: Flask, query: str) -> list[str]:
    headers = bearer(app, Scope.ADMIN)
    answer = app.test_client().get(f"/api/v1/audit?{query}", headers=headers)
    assert 200 == answer.status_code, answer.text
    return [each["subject"] for each in answer.json["items"]]


def test_the_page_shows_entries_and_how_the_chain_stands(app: Flask, admin: Browser) -> None:
    """Newest first; how many; up to where Git keeps them."""
    save(admin, app, "Glares.")
    admin.post("/audit/anchor")

    page = admin.get("/audit").text

    assert "Save a prompt" in page
    assert "characters/aria/angry.yaml" in page
    assert "Git keeps them up to" in page


def test_only_admins_see_it(app: Flask) -> None:
    """Addresses and names are nobody else's business."""
    viewer = person(app, Role.VIEWER)

    assert [403, 403, 403] == [
        viewer.get(path).status_code for path in ("/audit", "/audit/export.csv", f"{ANGRY}/trail")
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=ALPH", ["alpha"]),
        ("actor=person:eve&limit=1", ["beta"]),
        ("actor=ev", ["beta", "alpha"]),
        ("path=defaults/idle.yaml", ["alpha"]),
        ("commit=abc", ["beta"]),
        ("action=test&outcome=done", ["beta", "alpha"]),
        ("actor=eve&outcome=refused", []),
        ("actor=eve&since=2026-01-01&until=2026-01-02", []),
        ("actor=eve&until=2999-01-01", ["beta", "alpha"]),
        ("kind=upkeep&actor=eve", []),
        ("address=10.&actor=eve", []),
        ("request=none", []),
        ("subject=%25", []),
        ("detail=Revi%C3%A8wer", ["alpha"]),
        ("detail=%22quoted%22&actor=eve", ["beta"]),
        ("detail=_&actor=eve", []),
    ],
)
def test_filters(app: Flask, query: str, found: list[str]) -> None:
    """Entries that have all of what is said."""
    enter(app, "alpha", path="defaults/idle.yaml", before="viewer", after="revièwer")
    enter(app, "beta", commit="abcdef", after={"name": 'a "quoted" one'})

    assert found == subjects(app, query)


def test_every_kind_can_be_asked_for(app: Flask, admin: Browser) -> None:
    """A log-in is one, a save another."""
    save(admin, app, "Glares.")

    assert ["sam"] == subjects(app, f"kind={Kind.LOG_IN}")
    assert ["characters/aria/angry.yaml"] == subjects(app, f"kind={Kind.PROMPTS}")


def test_pages_go_on_by_a_cursor(app: Flask) -> None:
    """Each entry once, newest first, also while others are entered."""
    for number in range(7):
        enter(app, f"s{number}")
    headers, seen, cursor = bearer(app, Scope.ADMIN), [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        answer = app.test_client().get(f"/api/v1/audit?actor=eve&limit=3{more}", headers=headers)
        seen += [each["subject"] for each in answer.json["items"]]
        cursor = answer.json["next_cursor"]
        enter(app, "later")

    assert [f"s{number}" for number in reversed(range(7))] == seen


@pytest.mark.parametrize("query", ["since=yesterday", "kind=x", "cursor=x", "limit=0", "who=eve"])
def test_what_can_not_be_asked_is_refused(app: Flask, query: str) -> None:
    """With the field that is wrong."""
    answer = app.test_client().get(f"/api/v1/audit?{query}", headers=bearer(app, Scope.ADMIN))

    assert 422 == answer.status_code
    assert query.partition("=")[0] == answer.json["errors"][0]["field"]


def test_tokens_need_the_admin_scope(app: Flask) -> None:
    """One that writes doesn't read the log."""
    answer = app.test_client().get("/api/v1/audit", headers=bearer(app, Scope.WRITE))

    assert 403 == answer.status_code


def test_json_lines_hold_the_chain(app: Flask, admin: Browser) -> None:
    """From the file alone anybody can work the hashes out again."""
    save(admin, app, "Glares.")

    lines = admin.get("/audit/export.jsonl").text.splitlines()

    previous = GENESIS
    for each in map(json.loads, lines):
        at = datetime.fromisoformat(each["at"]).astimezone(UTC)
        assert previous.hex() == each["previous_hash"]
        previous = digest(previous, {**each, "at": at})
        assert previous.hex() == each["hash"]
    assert len(lines) > 1


def test_csv_runs_no_formula(app: Flask, admin: Browser) -> None:
    """A cell that would begin one is text; everything else stands as it is."""
    enter(app, "=cmd|' /C calc'!A0")
    enter(app, 'plain, with "quotes"')

    rows = list(csv.DictReader(io.StringIO(admin.get("/audit/export.csv?actor=eve").text)))

    assert ["'=cmd|' /C calc'!A0", 'plain, with "quotes"'] == [row["subject"] for row in rows]


def test_taking_the_log_away_is_entered(app: Flask, admin: Browser) -> None:
    """Who exported it, with which filters."""
    admin.get("/audit/export.csv?outcome=refused")

    assert ["audit log"] == subjects(app, "action=audit_pages.export")


def test_an_entry_has_a_page(app: Flask, admin: Browser) -> None:
    """With its file, its commit, and its hash; one that isn't there is 404."""
    commit = save(admin, app, "Glares.")
    number = services(app).records.rows(text("select max(id) from audit"))[0][0]  # type: ignore[arg-type]

    page = admin.get(f"/audit/{number}").text

    assert commit in page
    assert "characters/aria/angry.yaml" in page
    assert 404 == admin.get("/audit/99999").status_code
    assert 404 == admin.get(f"/audit/{2**70}").status_code


def test_the_check_says_where_it_breaks(app: Flask, admin: Browser) -> None:
    """Sound; and after somebody wrote in the table, the entry and what is wrong."""
    enter(app, "alpha")
    enter(app, "beta")
    records = services(app).records
    sound = admin.get("/audit/check").text
    with records.engine.begin() as connection:
        connection.execute(text("drop trigger audit_keeps_update"))
        connection.execute(text("update audit set actor = 'x' where subject = 'alpha'"))

    broken = admin.get("/audit/check").text

    assert "The log is what was written." in sound
    assert "The log is not what was written." in broken
    assert "content isn&#39;t what its hash was made of" in broken


def test_the_page_warns_where_git_knows_another_log(app: Flask, admin: Browser) -> None:
    """The newest anchor is compared at every look."""
    records, store = services(app).records, services(app).repository.get().store
    enter(app, "alpha")
    audit_anchors.anchor(records, store.path)
    with records.engine.begin() as connection:
        connection.execute(text("drop trigger audit_keeps_delete"))
        connection.execute(text("delete from audit where id >= 2"))

    assert "not the one that Git has kept" in admin.get("/audit").text


def test_a_log_that_was_cut_begins_where_it_was(app: Flask, tmp_path: Path) -> None:
    """Its pages count what is there, lead nowhere before it, and say who cut it from where."""
    records = services(app).records
    for number in range(3):
        entry = audit.unasked("person:eve", "test", f"old {number}", "done")
        entry.at -= timedelta(days=40)
        audit_entries.write(records, entry)
    admin = person(app, Role.ADMIN, "sam")

    cut = CliRunner().invoke(main, ["--data", str(tmp_path), "audit", "cut", "--older-than", "30"])

    assert "Cut 3 entries." in cut.output
    standing = admin.get("/audit").text
    assert "those up to 3 were sealed and cut" in standing
    assert f"<span>{audit_log.head(records).entry - 3} entries</span>" in standing
    assert "The log is what was written." in admin.get("/audit/check").text
    assert "Earlier" not in admin.get("/audit/4").text
    assert "sealed and cut" in admin.get("/audit/3").text
    (sealed,) = (each for each in everything(records, Wanted()) if each["action"] == "audit.seal")
    assert ("command line", 3, 30) == (
        sealed["actor"],
        sealed["detail"]["through"],
        sealed["detail"]["days"],
    )
    fsck = CliRunner().invoke(main, ["--data", str(tmp_path), "fsck"])
    assert 0 == fsck.exit_code, fsck.output


def test_a_prompt_has_its_trail(app: Flask, admin: Browser) -> None:
    """Edits of it, refusals, and commits of many that hold it; nothing of others."""
    save(admin, app, "Glares.")
    key = bearer(app, Scope.WRITE, environments=(STAGING,))
    edits = [
        {"character": "aria", "emotion": emotion, "prompt_text": "x y", "if_match": "*"}
        for emotion in ("angry", "idle")
    ]
    bulk = f"/api/v1/environments/{STAGING}/bulk"
    assert 200 == app.test_client().post(bulk, json={"edits": edits}, headers=key).status_code
    reviewer = person(app, Role.REVIEWER)
    assert 403 == reviewer.post(ANGRY, action="save", text="x").status_code

    angry, happy = (admin.get(path).text for path in (f"{ANGRY}/trail", f"{ANGRY[:-5]}happy/trail"))

    assert ["Save a prompt", "Edit in bulk", "refused"] == [
        words for words in ("Save a prompt", "Edit in bulk", "refused") if words in angry
    ]
    assert "Edit in bulk" not in happy
    assert "says nothing of this prompt yet" in happy


def test_an_import_of_many_commits_is_in_the_trail_of_each_prompt(
    app: Flask, admin: Browser, tmp_path: Path
) -> None:
    """One entry tells of all its commits, and is found by each file, also by the filter."""
    other = make_repository(tmp_path / "other", ("aria",))
    for number in range(3):
        put(other, {"aria/angry": f"Angry {number}."}, f"Angry {number}")
        put(other, {"aria/idle": f"Idle {number}."}, f"Idle {number}")
    raw = exported(other, versions=True)
    asked = app.test_client().post(
        f"/api/v1/admin/prompts/import?mode=apply&environment={STAGING}&strategy=overwrite&name=x",
        data=raw, headers=bearer(app, Scope.ADMIN),
    )  # fmt: skip
    assert asked.json["commits"] > 3, asked.text
    audit_tending.catch_up(services(app).records, services(app).repository.get())

    for emotion, there in (("angry", True), ("idle", True), ("happy", False)):
        path = f"characters/aria/{emotion}.yaml"
        for page in (f"{ANGRY[:-5]}{emotion}/trail", f"/audit?path={path}"):
            assert ('>Import<span class="unseen">' in admin.get(page).text) is there
        assert (["x"] if there else []) == subjects(app, f"path={path}")


def test_a_person_has_theirs(app: Flask, admin: Browser) -> None:
    """What they did by themselves and by their tokens, on their page and whole."""
    person(app, Role.VIEWER, "vic")
    save(admin, app, "Glares.")

    pages = [admin.get(path).text for path in ("/people/sam", "/audit/people/sam")]
    others = admin.get("/audit/people/vic").text

    assert all("Save a prompt" in page for page in pages)
    assert "Save a prompt" not in others
    assert 404 == admin.get("/audit/people/nobody").status_code
