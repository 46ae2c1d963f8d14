"""A file that plain git broke: the API says what is wrong with it, answers all else, mends it."""

import pytest

from prompt_repo.repository import STAGING
from tests.api.conftest import Api
from tests.factories import SAM

OWN = "/characters/aria/emotional-prompts/angry"
PATH = "characters/aria/angry.yaml"
WRONG = f"{PATH}:1:9: prompt: this must be text, not a number; put it in quotes"
WHATEVER = {"If-Match": "*"}


@pytest.fixture(autouse=True)
def broken(api: Api) -> None:
    """Aria's angry prompt as version 2 holds it."""
    break_by_git(api, PATH, b"prompt: 12\n")


def break_by_git(api: Api, path: str, raw: bytes) -> None:
    """Commits a file as plain git would, unchecked."""
    head = api.repository.head(STAGING)
    api.repository.store.write(STAGING, head, {path: raw}, author=SAM, message="By hand")


def test_reading_it_says_what_is_wrong(api: Api) -> None:
    """With file, line, column and field, and again the next time."""
    for address in (OWN, f"{OWN}/resolved", f"{OWN}/resolved"):
        answer = api.ask("GET", address)

        assert answer.json is not None
        assert (422, WRONG) == (answer.status_code, answer.json["detail"])


def test_lists_hold_it_beside_the_others(api: Api) -> None:
    """It is no missing one: it stands, it can't be read, and its ETag lets it be replaced."""
    body = api.ask("GET", "/characters/aria/emotional-prompts").json

    assert body is not None
    found = {item["emotion"]: item for item in body["items"]}
    assert (None, "character", 2, WRONG) == tuple(
        found["angry"].get(name) for name in ("prompt_text", "source", "version", "problem")
    )
    assert found["angry"]["etag"]
    assert {None} == {item.get("problem") for item in body["items"] if item["emotion"] != "angry"}


def test_the_export_tells_broken_from_missing(api: Api) -> None:
    """A service that takes all in one call learns that something is wrong."""
    body = api.ask("GET", "/export").json

    assert body is not None
    found = {(item["character"], item["emotion"]): item for item in body["items"]}
    assert ("character", WRONG) == (
        found["aria", "angry"]["source"],
        found["aria", "angry"].get("problem"),
    )
    assert ("missing", None) == (found["bo", "idle"]["source"], found["bo", "idle"].get("problem"))


def test_the_matrix_names_its_version(api: Api) -> None:
    """Not that of the default beneath it."""
    body = api.ask("GET", "/matrix").json

    assert body is not None
    cell = next(row["cells"]["angry"] for row in body["items"] if row["character"] == "aria")
    assert ("character", 2) == (cell["source"], cell["version"])


def test_the_history_stays_readable(api: Api) -> None:
    """The broken version has no text and says why; the others have theirs."""
    versions = api.ask("GET", f"{OWN}/versions").json
    second = api.ask("GET", f"{OWN}/versions/2").json
    difference = api.ask("GET", f"{OWN}/diff?from=1&to=2").json

    assert versions is not None
    assert [(None, WRONG, False), ("One.\nTwo.\nThree.\n", None, False)] == [
        (each["prompt_text"], each.get("problem"), each["removed"]) for each in versions["items"]
    ]
    assert second == versions["items"][0]
    assert difference is not None
    assert "+prompt: 12\n" in difference["unified"]


@pytest.mark.parametrize(
    ("method", "address", "body", "text"),
    [
        ("PUT", OWN, {"prompt_text": "Whole."}, "Whole."),
        ("POST", f"{OWN}/revert", {"version": 1}, "One.\nTwo.\nThree.\n"),
        ("DELETE", OWN, {}, "{character_name} fumes."),
    ],
)
def test_it_is_mended(
    api: Api, method: str, address: str, body: dict[str, object], text: str
) -> None:
    """By a new text, an earlier one, or by its removal, named by the ETag of the list."""
    items = (api.ask("GET", "/characters/aria/emotional-prompts").json or {})["items"]
    etag = next(item["etag"] for item in items if item["emotion"] == "angry")

    answer = api.ask(method, address, json=body, headers={"If-Match": f'"{etag}"'})

    assert answer.json is not None
    assert (200, text, None) == (
        answer.status_code,
        answer.json["prompt_text"],
        answer.json.get("problem"),
    )


def test_a_write_that_uncovers_a_broken_default_is_answered(api: Api) -> None:
    """The removal happened, so it is no error that what stands now can't be read."""
    break_by_git(api, "defaults/angry.yaml", b"prompt: 12\n")

    answer = api.ask("DELETE", OWN, json={}, headers=WHATEVER)

    assert answer.json is not None
    assert (200, True, True) == (
        answer.status_code,
        answer.json["changed"],
        answer.json["problem"].startswith("defaults/angry.yaml:1:9"),
    )


def test_a_removed_one_is_listed(api: Api) -> None:
    """With what was wrong with it in place of a text."""
    api.ask("DELETE", OWN, json={}, headers=WHATEVER)

    body = api.ask("GET", "/characters/aria/emotional-prompts?removed=true").json

    assert body is not None
    assert [(None, WRONG)] == [(item["prompt_text"], item["problem"]) for item in body["items"]]


def test_a_broken_character_is_mended_by_patch(api: Api) -> None:
    """It needs a name, for nothing of the file can be kept."""
    break_by_git(api, "characters/bo/character.yaml", b"name: [x]\n")

    read = api.ask("GET", "/characters/bo")
    nameless = api.ask("PATCH", "/characters/bo", json={"tags": ["x"]}, headers=WHATEVER)
    mended = api.ask("PATCH", "/characters/bo", json={"name": "Bo"}, headers=WHATEVER)

    assert [422, 422, 200] == [each.status_code for each in (read, nameless, mended)]
