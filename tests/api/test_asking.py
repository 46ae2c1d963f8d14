"""What requests of the API say, by honest clients and by others."""

import io
import re
from typing import Any
from uuid import UUID

import pytest

from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import Api
from tests.factories import put
from webapp.access import Scope
from webapp.staging_access import concerns

OWN = "/characters/aria/emotional-prompts/angry"
MISSING = "/characters/bo/emotional-prompts/idle"
WHATEVER = {"If-Match": "*"}
JSON = "application/json"


def _status(api: Api, method: str, path: str, **more: Any) -> int:
    answer = api.ask(method, path, **more)
    if answer.status_code >= 400:
        assert "application/problem+json" == answer.mimetype
    return answer.status_code


def _set(api: Api, text: str, headers: dict[str, str]) -> int:
    return _status(api, "PUT", OWN, json={"prompt_text": text}, headers=headers)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("*", 200),
        (" * ", 200),
        ('"{etag}"', 200),
        ('"x", "{etag}"', 200),
        ('"x","{etag}",', 200),
        ('"{etag}-text"', 200),
        ('W/"{etag}"', 412),
        ('W/"x", "y"', 412),
        ('"x"', 412),
        ('""', 412),
        ('"a,b"', 412),
        ('"{etag}", *', 400),
        ('"x" "{etag}"', 400),
        ("{etag}", 400),
        ("junk", 400),
        ('"', 400),
        ("", 400),
    ],
)
def test_if_match(api: Api, said: str, status: int) -> None:
    """One ETag of a list is enough; weak ones never match; what is no ETag is told so."""
    etag = api.ask("GET", OWN).headers["ETag"].strip('"')

    assert status == _set(api, "Other.", {"If-Match": said.replace("{etag}", etag)})


@pytest.mark.parametrize(
    ("said", "status"), [("*", 412), (" * ", 412), ('"x"', 428), ("junk", 428)]
)
def test_if_none_match_of_a_write(api: Api, said: str, status: int) -> None:
    """`*` is for what doesn't stand yet; anything else says nothing about what was seen."""
    assert status == _set(api, "Other.", {"If-None-Match": said})


def test_a_refused_write_repeated_with_the_same_text_is_no_write(api: Api) -> None:
    """A client that lost the answer may send again: what stands so already is no conflict."""
    etag = api.ask("GET", OWN).headers["ETag"]
    first = api.ask("PUT", OWN, json={"prompt_text": "New."}, headers={"If-Match": etag})
    head = api.repository.head(STAGING)

    again = api.ask("PUT", OWN, json={"prompt_text": "New."}, headers={"If-Match": etag})

    assert again.json is not None
    assert (200, 200, False) == (first.status_code, again.status_code, again.json["changed"])
    assert head == api.repository.head(STAGING)


def test_a_base_that_staging_never_held_is_not_there(api: Api) -> None:
    """Neither one that nobody made, nor one that only production holds."""
    for base in ("0" * 40, api.repository.head(PRODUCTION)[::-1]):
        body = {"prompt_text": "Other.", "base": base}
        assert 404 == _status(api, "PUT", OWN, json=body)


def test_a_base_says_more_than_any_etag(api: Api) -> None:
    """Who sends If-Match: * beside a base that has moved gets the conflict, alone and in bulk."""
    base = api.repository.head(STAGING)
    api.ask("PUT", OWN, json={"prompt_text": "Theirs."}, headers=WHATEVER)
    edit = {"character": "aria", "emotion": "angry", "prompt_text": "Mine.", "base": base}

    one = _status(api, "PUT", OWN, json={"prompt_text": "Mine.", "base": base}, headers=WHATEVER)
    many = _status(api, "POST", "/bulk", json={"edits": [{**edit, "if_match": "*"}]})

    assert (409, 409) == (one, many)


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [
        (b"", 400, "Expecting value"),
        (b"  ", 400, "Expecting value"),
        (b"[]", 422, "send a JSON object"),
        (b'"x"', 422, "send a JSON object"),
        (b"null", 422, "send a JSON object"),
        (b'{"prompt_text":"a","tags":[{"a":1,"a":2}]}', 400, "stands twice"),
        (b'{"prompt_text":1e999}', 422, "prompt_text"),
        (b'{"prompt_text":%s}' % (b"9" * 5000), 400, "5,000 digits"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "too deeply"),
        (b'\xef\xbb\xbf{"prompt_text":"x"}', 400, "BOM"),
        ('{"prompt_text":"x"}'.encode("utf-16"), 400, "not UTF-8"),
        (b'{"prompt_text":"x"} x', 400, "column 21"),
        (b'{"\\ud800":1,"prompt_text":"x"}', 422, "unicode"),
        (b'{"%s":1,"prompt_text":"x"}' % (b"k" * 1_000_000), 422, "k" * 80 + ":"),
    ],
)
def test_bodies_that_are_not_wanted(api: Api, data: bytes, status: int, told: str) -> None:
    """Each is told from the others, in few words."""
    answer = api.ask("PUT", OWN, data=data, content_type=JSON, headers=WHATEVER)

    assert answer.json is not None
    assert status == answer.status_code
    assert told in answer.json["detail"]
    assert len(answer.data) < 2_000


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (JSON, 200),
        ("APPLICATION/JSON; charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/json, text/plain", 415),
        ("application/merge-patch+json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
def test_content_types(api: Api, kind: str, status: int) -> None:
    """JSON in UTF-8, by whatever spelling; nothing else."""
    data = b'{"prompt_text":"x"}'

    assert status == _status(api, "PUT", OWN, data=data, content_type=kind, headers=WHATEVER)


def test_packed_bodies_are_415(api: Api) -> None:
    """Nobody unpacks what grows without bounds."""
    headers = {**WHATEVER, "Content-Encoding": "gzip"}

    assert 415 == _status(api, "PUT", OWN, data=b"\x1f\x8b", content_type=JSON, headers=headers)


@pytest.mark.parametrize("size", [4 * 1024 * 1024 + 1, 5_000_000])
def test_a_body_in_chunks_is_bounded_too(api: Api, size: int) -> None:
    """Without a length it is read to the limit, and what is cut off there is refused."""
    data = b'{"prompt_text":"x"}'.ljust(size)
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    answer = api.ask(
        "PUT",
        OWN,
        input_stream=io.BytesIO(data),
        content_type=JSON,
        headers=WHATEVER,
        environ_overrides=chunked,
    )

    assert answer.json is not None
    assert 413 == answer.status_code
    assert "4,194,304 bytes" in answer.json["detail"]


def test_a_version_may_be_spelled_with_a_point(api: Api) -> None:
    """1.0 is an integer to JSON Schema; 1.5, true and "1" are none."""
    path = f"{OWN}/revert"

    for version, status in ((1.0, 200), (1.5, 422), (True, 422), ("1", 422), (0, 422)):
        assert status == _status(api, "POST", path, json={"version": version}, headers=WHATEVER)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1000000000",
        "limit=1e2",
        "limit=%2B5",
        "limit=٣",
        "limit=",
        "limit=5&limit=6",
        "cursor=",
        "cursor=Aria",
        "cursor=%00",
        "archived=yes",
        "nonsense=1",
        "%00=1",
        "at=",
        "at=" + "a" * 201,
        "q=" + "x" * 201,
        "tag=x" + "&tag=x" * 32,
    ],
)
def test_queries_that_are_not_wanted(api: Api, query: str) -> None:
    """422, with the parameter's name."""
    for path in ("/characters", "/matrix"):
        answer = api.ask("GET", f"{path}?{query}")
        assert answer.json is not None
        assert (422, "query") == (answer.status_code, answer.json["errors"][0]["path"])


def test_a_cursor_of_another_list_is_not_there(api: Api) -> None:
    """A commit that made no version of this prompt begins no page of its history."""
    put(api.repository, {"bo/happy": "Elsewhere."})
    elsewhere = api.repository.head(STAGING)

    assert 404 == _status(api, "GET", f"{OWN}/versions?cursor={elsewhere}")


@pytest.mark.parametrize(
    "when",
    [
        "HEAD",
        "staging",
        "refs/heads/staging",
        "main~1",
        "@{1}",
        "--all",
        "../x",
        "%00",
        "%ff",
        "0" * 40,
        "A" * 40,
        "1969-01-01T00:00:00Z",
        "0001-01-01T00:00:00%2B14:00",
        "2026-13-01",
        "2026-11-23T25:00:00Z",
    ],
)
def test_times_and_commits_that_never_were(api: Api, when: str) -> None:
    """404 for whatever the environment never held, in any spelling Git would take."""
    assert 404 == _status(api, "GET", f"{OWN}?at={when}")


def test_a_short_or_upper_case_commit_is_none(api: Api) -> None:
    """Only the full id of a commit never changes its meaning."""
    head = api.repository.head(STAGING)

    assert 404 == _status(api, "GET", f"{OWN}?at={head[:10]}")
    assert 404 == _status(api, "GET", f"{OWN}?at={head.upper()}")


@pytest.mark.parametrize(
    "when", ["2999-01-01", "2999-01-01T00:00:00%2B02:00", "2999-01-01T00:00:00+02:00"]
)
def test_a_time_to_come_is_now(api: Api, when: str) -> None:
    """With any offset, also where its `+` was not escaped; and it is not kept for ever."""
    answer = api.ask("GET", f"{OWN}?at={when}")

    assert 200 == answer.status_code
    assert api.repository.head(STAGING) == answer.headers["Prompt-Commit"]
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "ident", ["Aria", "aria%00", "aria%20", "aria%0a", "%ff", "..", "%E2%80%AE", "_x", "a" * 5_000]
)
def test_ids_that_are_none(api: Api, ident: str) -> None:
    """No character has them (404), and no emotion is one of them (400)."""
    assert 404 == _status(api, "GET", f"/characters/{ident}")
    assert 404 == _status(api, "GET", f"/characters/{ident}/emotional-prompts/angry/resolved")
    assert 400 == _status(api, "GET", f"/characters/aria/emotional-prompts/{ident}")
    assert 400 == _status(api, "PUT", f"/defaults/{ident}", json={"prompt_text": "x"})


def test_character_is_no_emotion(api: Api) -> None:
    """Its file would be the character's own."""
    path = "/characters/aria/emotional-prompts/character"

    assert 400 == _status(api, "PUT", path, json={"prompt_text": "x"}, headers=WHATEVER)


def filled(path: str) -> str:
    """An address that a described path leads to."""
    values = {"env": STAGING, "number": "1", "comment": "1"}
    values |= dict.fromkeys(("preview", "sync", "export", "transfer"), str(UUID(int=1)))
    return re.sub(r"\{(\w+)\}", lambda hole: values.get(hole[1], hole[0]), path)


def test_every_verb_on_every_path(api: Api) -> None:
    """What is not described is 405, and `Allow` names what is."""
    client = api.app.test_client()
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    sent = {"Authorization": f"Bearer {api.new_token(Scope.ADMIN)}"}

    for path, told in document["paths"].items():
        address = filled(path)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"}:
            if method.lower() not in told:
                answer = client.open(address, method=method, headers=sent)
                assert (405, "application/problem+json") == (answer.status_code, answer.mimetype)
                assert {each.upper() for each in told} <= set(answer.headers["Allow"].split(", "))
        options = client.open(address, method="OPTIONS", headers=sent)
        assert {each.upper() for each in told} <= set(options.headers["Allow"].split(", "))


def test_every_operation_wants_a_token(api: Api) -> None:
    """None, an unknown one, another scheme: 401, with how to say who one is.

    Staging is the same 403 to whoever is not let in, also to who says nothing.
    """
    client = api.app.test_client()
    document = client.get("/api/v1/openapi.json").json
    assert document is not None

    for path, told in document["paths"].items():
        address = filled(path)
        for method in told:
            for given in ({}, {"Authorization": "Bearer pr_x"}, {"Authorization": "Basic eDp5"}):
                answer = client.open(address, method=method.upper(), headers=given)
                if concerns(address) and not given:
                    assert 403 == answer.status_code
                    continue
                assert 401 == answer.status_code
                assert "Bearer" in answer.headers["WWW-Authenticate"]
