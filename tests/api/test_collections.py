"""Characters, the matrix, bulk edits and the export over the API."""

import json

from prompt_repo.repository import STAGING
from tests.api.conftest import Api
from tests.factories import put

WHATEVER = {"If-Match": "*"}


def test_characters_by_pages_words_and_tags(api: Api) -> None:
    """Cursors go through all of them once."""
    first = api.ask("GET", "/characters?limit=1").json
    assert first is not None
    rest = api.ask("GET", f"/characters?cursor={first['next_cursor']}").json
    tagged = api.ask("GET", "/characters?tag=lead&q=ARI").json

    assert rest is not None
    assert tagged is not None
    assert ["aria", "bo"] == [item["id"] for item in first["items"] + rest["items"]]
    assert rest["next_cursor"] is None
    assert ["aria"] == [item["id"] for item in tagged["items"]]
    assert {"idle": "missing", "happy": "missing", "angry": "character"} == tagged["items"][0][
        "coverage"
    ]


def test_a_character_from_creation_to_archive_and_back(api: Api) -> None:
    """The id stays; archived ones leave the list and can't be edited."""
    made = api.ask("POST", "/characters", json={"id": "cleo", "name": "Cleo"})
    again = api.ask("POST", "/characters", json={"id": "cleo", "name": "Cleo"})
    renamed = api.ask("PATCH", "/characters/cleo", json={"name": "Cleo M."}, headers=WHATEVER)
    archived = api.ask("DELETE", "/characters/cleo", headers=WHATEVER)
    listed = api.ask("GET", "/characters").json
    edit = api.ask(
        "PUT",
        "/characters/cleo/emotional-prompts/idle",
        json={"prompt_text": "x"},
        headers=WHATEVER,
    )
    back = api.ask("PATCH", "/characters/cleo", json={"archived": False}, headers=WHATEVER)

    assert (201, 409, 200, 200) == (
        made.status_code,
        again.status_code,
        renamed.status_code,
        archived.status_code,
    )
    assert listed is not None
    assert "cleo" not in [item["id"] for item in listed["items"]]
    assert 409 == edit.status_code
    assert back.json is not None
    assert ("Cleo M.", False) == (back.json["name"], back.json["archived"])


def test_bad_ids_are_400(api: Api) -> None:
    """Ids are an allow-list."""
    for ident in ("Aria", "../x", "a" * 65, ""):
        answer = api.ask("POST", "/characters", json={"id": ident, "name": "X"})
        assert answer.status_code in (400, 422)


def test_the_matrix(api: Api) -> None:
    """A row a character, a cell an emotion, all at one commit."""
    body = api.ask("GET", "/matrix").json

    assert body is not None
    assert ["idle", "happy", "angry"] == [emotion["id"] for emotion in body["emotions"]]
    assert {"aria": "character", "bo": "global"} == {
        row["character"]: row["cells"]["angry"]["source"] for row in body["items"]
    }


def test_bulk_is_one_commit_or_none(api: Api) -> None:
    """One bad edit keeps all from landing."""
    good = [
        {"character": "aria", "emotion": "idle", "prompt_text": "A"},
        {"character": None, "emotion": "idle", "prompt_text": "B"},
        {"character": "aria", "emotion": "angry", "prompt_text": None},
    ]
    head = api.repository.head(STAGING)

    done = api.ask("POST", "/bulk", json={"edits": good, "reason": "Two"}, headers=WHATEVER)
    after = api.repository.head(STAGING)
    bad = [*good, {"character": "bo", "emotion": "idle", "prompt_text": " "}]
    failed = api.ask("POST", "/bulk", json={"edits": bad}, headers=WHATEVER)

    assert done.json is not None
    assert (200, [True, True, True]) == (
        done.status_code,
        [item["changed"] for item in done.json["items"]],
    )
    assert api.repository.store.parents(after) == (head,)
    assert 422 == failed.status_code
    assert after == api.repository.head(STAGING)


def test_bulk_names_every_conflict(api: Api) -> None:
    """Each edit that moved comes with its texts."""
    base = api.repository.head(STAGING)
    put(api.repository, {"aria/angry": "Moved.", "defaults/angry": "Moved too."})
    edits = [
        {"character": "aria", "emotion": "angry", "prompt_text": "A"},
        {"character": None, "emotion": "angry", "prompt_text": "B"},
    ]

    answer = api.ask("POST", "/bulk", json={"edits": edits, "base": base})

    assert answer.json is not None
    assert 409 == answer.status_code
    assert {"characters/aria/angry.yaml", "defaults/angry.yaml"} == {
        conflict["path"] for conflict in answer.json["conflicts"]
    }


def test_the_export_holds_everything_resolved(api: Api) -> None:
    """Missing ones too, with no text."""
    body = json.loads(api.ask("GET", "/export").text)

    texts = {(item["character"], item["emotion"]): item["text"] for item in body["items"]}
    assert api.repository.head(STAGING) == body["commit"]
    assert 6 == len(texts)
    assert "Bo fumes." == texts["bo", "angry"]
    assert texts["bo", "idle"] is None
