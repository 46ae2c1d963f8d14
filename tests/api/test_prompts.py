"""One prompt over the API, from reading to going back."""

import uuid
from typing import Any

import pytest

from prompt_repo.model import NAMESPACE
from prompt_repo.repository import STAGING
from tests.api.conftest import Api
from tests.factories import put
from webapp.access import Scope

OWN = "/characters/aria/emotional-prompts/angry"
FALLEN = "/characters/bo/emotional-prompts/angry"
MISSING = "/characters/bo/emotional-prompts/idle"
DEFAULT = "/defaults/angry"
WHATEVER = {"If-Match": "*"}


def test_an_override_says_all_about_itself(api: Api) -> None:
    """The fields of design 7."""
    body = api.ask("GET", OWN).json

    assert body is not None
    assert {
        "id": str(uuid.uuid5(NAMESPACE, "characters/aria/angry.yaml")),
        "prompt_text": "One.\nTwo.\nThree.\n",
        "source": "character",
        "is_default": False,
        "is_global_override": True,
        "version": 1,
        "created_by": {"name": "Sam Byrne", "email": "sam@studio.example"},
        "reason": "Begin",
        "deleted_at": None,
    }.items() <= body.items()


def test_falling_back_is_told(api: Api) -> None:
    """The default's text, and that it is the default's."""
    body = api.ask("GET", FALLEN).json

    assert body is not None
    assert ("{character_name} fumes.", "global", True) == (
        body["prompt_text"],
        body["source"],
        body["is_default"],
    )


def test_lists_hold_what_is_missing(api: Api) -> None:
    """A character has a row for every emotion."""
    body = api.ask("GET", "/characters/bo/emotional-prompts").json

    assert body is not None
    assert {"idle": "missing", "happy": "missing", "angry": "global"} == {
        item["emotion"]: item["source"] for item in body["items"]
    }


def test_resolved_as_json_and_as_text(api: Api) -> None:
    """The two forms have ETags of their own."""
    as_json = api.ask("GET", f"{FALLEN}/resolved")
    as_text = api.ask("GET", f"{FALLEN}/resolved", headers={"Accept": "text/plain"})

    assert as_json.json is not None
    assert "Bo fumes." == as_json.json["text"] == as_text.text
    assert "text/plain" == as_text.mimetype
    assert as_json.headers["ETag"] != as_text.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        OWN,
        f"{OWN}/resolved",
        f"{OWN}/versions",
        f"{OWN}/versions/1",
        f"{OWN}/diff?from=1&to=1",
        DEFAULT,
        "/defaults",
        "/characters",
        "/characters/aria",
        "/characters/aria/emotional-prompts",
        "/matrix",
        "/export",
    ],
)
def test_every_read_names_its_commit_and_answers_304(api: Api, path: str) -> None:
    """Whoever holds the present answer is told so, without it."""
    first = api.ask("GET", path)
    again = api.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})

    assert 200 == first.status_code
    assert api.repository.head(STAGING) == first.headers["Prompt-Commit"]
    assert (304, b"") == (again.status_code, again.data)


def test_a_read_at_a_commit_is_for_ever(api: Api) -> None:
    """And says what stood then, whatever came after."""
    then = api.repository.head(STAGING)
    put(api.repository, {"aria/angry": "Later."})

    answer = api.ask("GET", f"{OWN}/resolved?at={then}")

    assert answer.json is not None
    assert "One.\nTwo.\nThree.\n" == answer.json["text"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert "immutable" not in api.ask("GET", OWN).headers["Cache-Control"]


def test_a_write_with_the_etag_it_read(api: Api) -> None:
    """The answer holds the new version and its ETag, good for the next write."""
    etag = api.ask("GET", OWN).headers["ETag"]
    first = api.ask(
        "PUT", OWN, json={"prompt_text": "New.", "reason": "Softer"}, headers={"If-Match": etag}
    )
    second = api.ask(
        "PUT", OWN, json={"prompt_text": "Newer."}, headers={"If-Match": first.headers["ETag"]}
    )

    assert first.json is not None
    assert second.json is not None
    assert (200, 2, True, "Softer") == (
        first.status_code,
        first.json["version"],
        first.json["changed"],
        first.json["reason"],
    )
    assert (200, 3) == (second.status_code, second.json["version"])


def test_a_stale_etag_is_412(api: Api) -> None:
    """The current one comes with the refusal."""
    etag = api.ask("GET", OWN).headers["ETag"]
    put(api.repository, {"aria/angry": "Newer."})

    answer = api.ask("PUT", OWN, json={"prompt_text": "x"}, headers={"If-Match": etag})

    assert answer.json is not None
    assert 412 == answer.status_code
    assert api.ask("GET", OWN).headers["ETag"] == f'"{answer.json["etag"]}"'


def test_a_moved_base_is_409_with_all_texts(api: Api) -> None:
    """Base, theirs, yours and the merge."""
    base = api.repository.head(STAGING)
    put(api.repository, {"aria/angry": "ONE.\nTwo.\nThree.\n"})

    answer = api.ask("PUT", OWN, json={"prompt_text": "One.\nTwo.\nTHREE.\n", "base": base})

    assert answer.json is not None
    assert 409 == answer.status_code
    assert (
        "One.\nTwo.\nThree.\n",
        "ONE.\nTwo.\nThree.\n",
        "One.\nTwo.\nTHREE.\n",
        "ONE.\nTwo.\nTHREE.\n",
    ) == tuple(answer.json[side] for side in ("base", "theirs", "yours", "merged"))


def test_a_write_that_says_nothing_is_428(api: Api) -> None:
    """Nothing is replaced blindly."""
    for method, path in (("PUT", OWN), ("DELETE", OWN), ("PATCH", "/characters/aria")):
        answer = api.ask(method, path, json={"prompt_text": "x"} if method == "PUT" else {})
        assert 428 == answer.status_code


def test_creating_by_if_none_match(api: Api) -> None:
    """201 for a first override, 412 where one stands."""
    headers = {"If-None-Match": "*"}

    made = api.ask("PUT", FALLEN, json={"prompt_text": "Bo's."}, headers=headers)
    again = api.ask("PUT", FALLEN, json={"prompt_text": "Again."}, headers=headers)

    assert (201, 412) == (made.status_code, again.status_code)


def test_what_changes_nothing_says_so(api: Api) -> None:
    """No commit is made."""
    head = api.repository.head(STAGING)
    body = {"prompt_text": "One.\r\nTwo.\r\nThree.\r\n"}

    answer = api.ask("PUT", OWN, json=body, headers=WHATEVER)

    assert answer.json is not None
    assert (200, False) == (answer.status_code, answer.json["changed"])
    assert head == api.repository.head(STAGING)


def test_removing_listing_and_restoring(api: Api) -> None:
    """A removal is soft: the text is listed with the time it went, and comes back."""
    removed = api.ask("DELETE", OWN, headers=WHATEVER)
    listed = api.ask("GET", "/characters/aria/emotional-prompts?removed=true")
    one = api.ask("GET", f"{OWN}?removed=true")
    restored = api.ask("POST", f"{OWN}/restore", headers=WHATEVER)

    assert removed.json is not None
    assert listed.json is not None
    assert one.json is not None
    assert restored.json is not None
    assert "global" == removed.json["source"]
    assert ["One.\nTwo.\nThree.\n"] == [item["prompt_text"] for item in listed.json["items"]]
    assert one.json["deleted_at"]
    assert (3, "character") == (restored.json["version"], restored.json["source"])


def test_what_a_write_says_in_its_address_is_refused(api: Api) -> None:
    """A reason there would be lost without a word."""
    answer = api.ask("DELETE", f"{OWN}?reason=Gone", headers=WHATEVER)

    assert answer.json is not None
    assert 422 == answer.status_code
    assert "query: reason: is not read here; say it in the body" == answer.json["detail"]
    assert 200 == api.ask("DELETE", OWN, headers=WHATEVER, json={"reason": "Gone"}).status_code


def test_history_compare_and_revert(api: Api) -> None:
    """Newest first by cursor; a revert is a new version with the old text."""
    put(api.repository, {"aria/angry": "One.\n2.\nThree.\n"})

    first = api.ask("GET", f"{OWN}/versions?limit=1").json
    assert first is not None
    rest = api.ask("GET", f"{OWN}/versions?cursor={first['next_cursor']}").json
    diff = api.ask("GET", f"{OWN}/diff?from=1&to=2").json
    back = api.ask("POST", f"{OWN}/revert", json={"version": 1}, headers=WHATEVER).json

    assert rest is not None
    assert diff is not None
    assert back is not None
    assert [2, 1] == [item["version"] for item in first["items"] + rest["items"]]
    assert rest["next_cursor"] is None
    assert (1, 1) == (diff["added"], diff["removed"])
    assert "+2." in diff["unified"]
    assert (3, "One.\nTwo.\nThree.\n") == (back["version"], back["prompt_text"])


def test_defaults_answer_to_the_same_verbs(api: Api) -> None:
    """Set, history, revert, remove, restore."""
    api.ask("PUT", DEFAULT, json={"prompt_text": "{lens}."}, headers=WHATEVER)
    api.ask("POST", f"{DEFAULT}/revert", json={"version": 1}, headers=WHATEVER)
    removed = api.ask("DELETE", DEFAULT, headers=WHATEVER).json
    restored = api.ask("POST", f"{DEFAULT}/restore", headers=WHATEVER).json
    history = api.ask("GET", f"{DEFAULT}/versions").json

    assert removed is not None
    assert restored is not None
    assert history is not None
    assert "missing" == removed["source"]
    assert "{character_name} fumes." == restored["prompt_text"]
    assert [5, 4, 3, 2, 1] == [item["version"] for item in history["items"]]


def test_a_wrong_emotion_carries_the_valid_ones(api: Api) -> None:
    """On every verb."""
    for method, tail, body in (
        ("GET", "", None),
        ("GET", "/resolved", None),
        ("GET", "/versions", None),
        ("PUT", "", {"prompt_text": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("POST", "/revert", {"version": 1}),
    ):
        path = f"/characters/aria/emotional-prompts/melancholic{tail}"
        answer = api.ask(method, path, json=body, headers=WHATEVER)
        assert answer.json is not None
        assert (400, ["idle", "happy", "angry"]) == (
            answer.status_code,
            answer.json["valid_emotions"],
        )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (MISSING, 404),
        (f"{MISSING}/resolved", 404),
        (f"{MISSING}/versions", 404),
        (f"{OWN}/versions/2", 404),
        (f"{OWN}/versions/0", 404),
        (f"{OWN}/diff?from=1&to=9", 404),
        (f"{OWN}/diff?from=1", 422),
        (f"{OWN}/versions?cursor=nonsense", 422),
        (f"{OWN}/versions?cursor=" + "0" * 40, 404),
        (f"{OWN}/versions?limit=0", 422),
        (f"{OWN}?at=" + "0" * 40, 404),
        (f"{OWN}?at=--all", 404),
        (f"{OWN}?at=2001-01-01", 404),
        (f"{OWN}?nonsense=1", 422),
        ("/characters/nobody/emotional-prompts", 404),
        ("/characters/../../x/emotional-prompts", 404),
    ],
)
def test_what_is_not_there(api: Api, path: str, status: int) -> None:
    """Problems, never a crash."""
    answer = api.ask("GET", path)

    assert status == answer.status_code
    assert "application/problem+json" == answer.mimetype


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"prompt_text": ""}}, 422),
        ({"json": {"prompt_text": "a\x07b"}}, 422),
        ({"json": {"prompt_text": "x" * 262_145}}, 422),
        ({"json": {"prompt_text": 1}}, 422),
        ({"json": {"prompt_text": "x", "nonsense": 1}}, 422),
        ({"json": {"prompt_text": "x", "reason": "y" * 2001}}, 422),
        ({"json": {"prompt_text": "x", "reason": "y\n\nPromoted-From: " + "0" * 40}}, 422),
        ({"json": {"prompt_text": "x", "base": "main"}}, 422),
        ({"json": {"prompt_text": "x", "tags": ["a", "a"]}}, 422),
        ({"data": '{"prompt_text": "\\ud800"}', "content_type": "application/json"}, 422),
        ({"data": '{"prompt_text": NaN}', "content_type": "application/json"}, 400),
        ({"data": '{"a": 1, "a": 2}', "content_type": "application/json"}, 400),
        ({"data": "[" * 100_000, "content_type": "application/json"}, 400),
        ({"data": b"\xff", "content_type": "application/json"}, 400),
        ({"data": "prompt_text=x", "content_type": "text/plain"}, 415),
        ({"data": "x" * 5_000_000, "content_type": "application/json"}, 413),
    ],
)
def test_bad_bodies(api: Api, sent: dict[str, Any], status: int) -> None:
    """Each is refused with its reason, and nothing is written."""
    head = api.repository.head(STAGING)

    answer = api.ask("PUT", OWN, headers=WHATEVER, **sent)

    assert status == answer.status_code, answer.text
    assert "application/problem+json" == answer.mimetype
    assert head == api.repository.head(STAGING)


def test_a_control_character_is_named_with_its_place(api: Api) -> None:
    """Line and column within the text."""
    body = {"prompt_text": "fine\nbad \x07 here"}

    answer = api.ask("PUT", OWN, json=body, headers=WHATEVER).json

    assert answer is not None
    assert (2, 5, "prompt") == tuple(
        answer["errors"][0][name] for name in ("line", "column", "field")
    )


def test_production_is_not_written_to(api: Api) -> None:
    """403, with the way to go instead."""
    answer = api.ask("PUT", OWN, "production", json={"prompt_text": "x"}, headers=WHATEVER)

    assert answer.json is not None
    assert 403 == answer.status_code
    assert "promote" in answer.json["instead"]


def test_a_token_for_production_reads_no_staging(api: Api) -> None:
    """Not by the address, and not by a commit that only staging holds."""
    token = api.new_token(Scope.READ)
    commit = api.repository.head(STAGING)

    by_name = api.ask("GET", OWN, token=token)
    by_commit = api.ask("GET", f"/characters?at={commit}", "production", token)

    assert (403, 404) == (by_name.status_code, by_commit.status_code)


def test_a_text_of_231_kilobytes(api: Api) -> None:
    """Real prompts are that long."""
    text = "wörter " * 29_000

    answer = api.ask("PUT", OWN, json={"prompt_text": text}, headers=WHATEVER)

    assert answer.json is not None
    assert text == answer.json["prompt_text"]
