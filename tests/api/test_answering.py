"""The form of the API's answers: fields, order, headers, conditional reads."""

import re
from datetime import datetime

import pytest

from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import SAM, Api
from webapp.access import Scope

OWN = "/characters/aria/emotional-prompts/angry"
WHATEVER = {"If-Match": "*"}
PROMPT = """
id character emotion prompt_text source is_default is_global_override version commit etag
created_by created_at updated_by updated_at deleted_at reason variables unknown_variables notes tags
"""
VERSION = "id prompt_id version commit prompt_text removed created_by created_at reason"
READS = [
    OWN,
    f"{OWN}/resolved",
    f"{OWN}/versions",
    f"{OWN}/versions/1",
    f"{OWN}/diff?from=1&to=1",
    "/defaults/angry",
    "/defaults/angry/versions",
    "/defaults",
    "/characters",
    "/characters/aria",
    "/characters/aria/emotional-prompts",
    "/characters/aria/emotional-prompts?removed=true",
    "/matrix",
    "/export",
]


def test_a_prompt_has_its_fields_in_their_order(api: Api) -> None:
    """Own, fallen back, missing and removed ones alike."""
    own = api.ask("GET", OWN).json
    listed = api.ask("GET", "/characters/bo/emotional-prompts").json
    api.ask("DELETE", OWN, headers=WHATEVER)
    gone = api.ask("GET", f"{OWN}?removed=true").json

    assert own is not None
    assert listed is not None
    assert gone is not None
    for body in (own, gone, *listed["items"]):
        assert PROMPT.split() == list(body)
        for who in (body["created_by"], body["updated_by"]):
            assert who is None or ["name", "email"] == list(who)


def test_a_version_and_a_list_have_their_fields_in_their_order(api: Api) -> None:
    """The version's id is its commit."""
    body = api.ask("GET", f"{OWN}/versions").json

    assert body is not None
    assert ["items", "next_cursor", "commit"] == list(body)
    assert VERSION.split() == list(body["items"][0])
    assert body["items"][0]["id"] == body["items"][0]["commit"]


def test_times_are_of_rfc_3339_in_utc(api: Api) -> None:
    """Every field that ends in `_at`."""
    body = api.ask("GET", OWN).json

    assert body is not None
    for name in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body[name])
        assert datetime.fromisoformat(body[name]).tzinfo is not None


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditional_reads(api: Api, method: str, path: str) -> None:
    """304 for any of the ETags one holds, weakly compared, with the headers of the 200."""
    etag = api.ask(method, path).headers["ETag"]

    for held, status in (
        (etag, 304),
        (f"W/{etag}", 304),
        (f'"x", {etag}', 304),
        ("*", 304),
        ('"x"', 200),
        ("junk", 200),
        ("", 200),
    ):
        answer = api.ask(method, path, headers={"If-None-Match": held})
        assert status == answer.status_code
        assert etag == answer.headers["ETag"]
        assert "private, no-cache" == answer.headers["Cache-Control"]
        assert status != 304 or (b"", None) == (answer.data, answer.content_type)


@pytest.mark.parametrize("path", READS)
def test_a_read_at_a_full_commit_is_for_ever(api: Api, path: str) -> None:
    """As 200 and as 304."""
    at = f"{path}{'&' if '?' in path else '?'}at={api.repository.head(STAGING)}"

    first = api.ask("GET", at)
    again = api.ask("GET", at, headers={"If-None-Match": first.headers["ETag"]})

    assert (200, 304) == (first.status_code, again.status_code)
    assert "immutable" in first.headers["Cache-Control"]
    assert "immutable" in again.headers["Cache-Control"]


def test_the_same_text_again_has_an_etag_of_its_own(api: Api) -> None:
    """A, B, A: three of them, for somebody who saw the first may have missed the second."""
    etags = [
        api.ask("PUT", OWN, json={"prompt_text": text}, headers=WHATEVER).headers["ETag"]
        for text in ("A", "B", "A")
    ]

    assert 3 == len(set(etags))
    assert etags[-1] == api.ask("GET", OWN).headers["ETag"]


def test_a_variable_changes_the_etag_of_what_uses_it(api: Api) -> None:
    """The character's name is part of what a prompt is built from."""
    before = api.ask("GET", f"{OWN}/resolved").headers["ETag"]
    api.ask("PATCH", "/characters/aria", json={"name": "Aria V."}, headers=WHATEVER)

    assert before != api.ask("GET", f"{OWN}/resolved").headers["ETag"]


def test_what_is_made_says_where_it_is(api: Api) -> None:
    """A new character's address answers."""
    made = api.ask("POST", "/characters", json={"id": "cleo", "name": "Cleo"})

    sent = {"Authorization": f"Bearer {api.token}"}
    found = api.app.test_client().get(made.headers["Location"], headers=sent)
    assert made.headers["ETag"] == found.headers["ETag"]


def test_promotions_are_conditional_too(api: Api) -> None:
    """Plan, list and single ones carry an ETag and name production's commit."""
    sent = {"Authorization": f"Bearer {api.new_token(Scope.PROMOTE)}"}
    client = api.app.test_client()
    promote(api.repository, Order(), SAM, "Go live")
    head = api.repository.head(PRODUCTION)

    for tail in ("/plan", "", f"/{head}"):
        path = f"/api/v1/promotions{tail}"
        first = client.get(path, headers=sent)
        again = client.get(path, headers={**sent, "If-None-Match": first.headers["ETag"]})
        assert (200, 304) == (first.status_code, again.status_code)
        assert head == first.headers["Prompt-Commit"]
