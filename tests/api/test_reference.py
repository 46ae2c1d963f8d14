"""The API's description as people read it."""

import json
import shlex
from collections.abc import Iterator

from werkzeug.test import TestResponse

from tests.api.conftest import Api
from webapp.access import Scope
from webapp.api import reference

HOST = "http://localhost"
KNOW_COMMITS = {"bulk_undo", "promote", "roll_back", "review", "update_change", "merge_change"}
SEND_FILES = {"import_prompts"}


def _groups(api: Api) -> list[reference.Group]:
    sent = {"Authorization": f"Bearer {api.token}"}
    document = api.app.test_client().get("/api/v1/openapi.json", headers=sent).json
    assert document is not None
    return reference.groups(document, HOST)


def _called(api: Api) -> Iterator[tuple[reference.Entry, TestResponse]]:
    """Each example of the page as a shell would send it."""
    token = api.new_token(Scope.ADMIN)
    promotion = api.repository.head("production")
    for group in _groups(api):
        for entry in group.entries:
            words = shlex.split(entry.example.replace("\\\n", " "))
            address = next(word for word in words if word.startswith(HOST))
            headers = [words[at + 1] for at, word in enumerate(words) if word == "-H"]
            yield (
                entry,
                api.app.test_client().open(
                    address.removeprefix(HOST).replace("$PROMOTION", promotion),
                    method=entry.method,
                    headers=[
                        (name, value.replace("$TOKEN", token))
                        for name, value in (each.split(": ", 1) for each in headers)
                    ],
                    data=words[words.index("-d") + 1] if "-d" in words else None,
                ),
            )


def test_every_example_is_understood(api: Api) -> None:
    """Nothing on the page is refused for its form; reads of what is there succeed."""
    for entry, answer in _called(api):
        assert answer.status_code not in {400, 401, 403, 405, 415, 428}, (entry, answer.text)
        no_redis = entry.ident.endswith("test_prompt") and answer.status_code == 503
        assert answer.status_code < 500 or no_redis
        if answer.status_code == 422:  # commits and paths that an example can't know
            assert entry.ident in KNOW_COMMITS | SEND_FILES


def test_examples_are_json_that_a_shell_keeps_whole(api: Api) -> None:
    """Apostrophes in texts don't end the quotation."""
    document = {
        "components": {"schemas": {"Words": {"properties": {"text": {"examples": ["it's"]}}}}}
    }
    operation = {
        "parameters": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Words"}}},
        },
    }

    words = shlex.split(reference._example(document, HOST, "POST", "/x", operation))

    assert {"text": "it's"} == json.loads(words[-1])


def test_the_page_holds_every_operation_and_every_shape(api: Api) -> None:
    """Each can be linked to, and every link within the page leads somewhere."""
    page = api.app.test_client().get("/api/docs").text
    links = {part.split('"')[0] for part in page.split('href="#')[1:]}
    places = {part.split('"')[0] for part in page.split('id="')[1:]}

    assert links <= places
    assert {entry.ident for group in _groups(api) for entry in group.entries} <= links
    assert "curl -X PUT &#34;http://localhost/api/v1/environments/staging/characters/aria" in page


def test_strangers_addresses_are_escaped(api: Api) -> None:
    """The host of a request stands on the page, and is no HTML there."""
    page = api.app.test_client().get("/api/docs", headers={"Host": "x<script>alert(1)</script>"})

    assert "<script>alert" not in page.text
