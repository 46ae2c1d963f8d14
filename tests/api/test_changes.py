"""Change requests over the API: proposed, talked over, reviewed, updated and merged by tokens."""

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from prompt_repo.editing import Edit, change_character, save
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import SAM, Api
from tests.factories import key
from tests.web import make_app, services
from webapp import people, tokens
from webapp.access import Role, Scope

EDIT = {"character": "aria", "emotion": "angry", "prompt_text": "Soft."}
BOTH = (STAGING, PRODUCTION)


def token(api: Api, name: str, *scopes: Scope, environments: tuple[str, ...] = BOTH) -> str:
    """A token of an account, made where there is none yet."""
    records = services(api.app).records
    if name not in [each.name for each in people.listed(records)]:
        people.add(records, name, "long enough", Role.ADMIN)
    account = people.found(records, name)
    return tokens.create(records, name, scopes, environments, made_by=account.id)[0]


class Client:
    """Asks below `/changes` with one token."""

    def __init__(self, api: Api, secret: str) -> None:
        self.client, self.headers = api.app.test_client(), {"Authorization": f"Bearer {secret}"}

    def get(self, tail: str = "", **more: Any) -> TestResponse:
        return self.client.get(f"/api/v1/changes{tail}", headers=self.headers, **more)

    def post(self, tail: str = "", **body: Any) -> TestResponse:
        return self.client.post(f"/api/v1/changes{tail}", headers=self.headers, json=body)

    def head(self, number: int) -> str:
        found: str = self.get(f"/{number}").json["head"]
        return found

    def propose(self, **body: Any) -> int:
        answer = self.post(**{"title": "Softer", "edits": [EDIT], **body})
        assert answer.status_code == 201, answer.text
        number: int = answer.json["number"]
        return number


@pytest.fixture
def kim(api: Api) -> Client:
    """A program of Kim's, which may write."""
    return Client(api, token(api, "kim", Scope.WRITE))


@pytest.fixture
def lee(api: Api) -> Client:
    """A program of Lee's, which may review."""
    return Client(api, token(api, "lee", Scope.REVIEW))


def standing(api: Api, env: str = STAGING) -> str:
    return api.repository.current(env).overrides("aria")["angry"].prompt.text


def test_a_change_goes_from_proposal_to_merge(api: Api, kim: Client, lee: Client) -> None:
    """Every step, with what it answers."""
    made = kim.post(title="Softer", description="Why", slug="soft", edits=[EDIT], reason="Soften")
    number = made.json["number"]
    assert made.headers["Location"].endswith(f"/changes/{number}")
    assert (made.json["branch"], made.json["state"], made.json["paths"]) == (
        "changes/soft", "open", ["characters/aria/angry.yaml"],
    )  # fmt: skip
    assert [each["reason"] for each in made.json["commits"]] == ["Soften"]
    assert [each["grade"] for each in made.json["checks"]] == ["passed"] * 5
    assert standing(api) == "One.\nTwo.\nThree.\n"

    files = lee.get(f"/{number}/files").json["items"]
    assert [(each["before"], each["after"]) for each in files] == [
        ("One.\nTwo.\nThree.\n", "Soft.")
    ]
    assert files[0]["resolved"][0]["after"] == "Soft."
    said = lee.post(f"/{number}/comments", text="Nice", path=files[0]["path"], line=1)
    settled = lee.client.patch(
        f"/api/v1/changes/{number}/comments/{said.json['id']}",
        headers=lee.headers,
        json={"settled": True},
    )
    assert [201, 200] == [said.status_code, settled.status_code]
    assert settled.json["settled_by"] == "lee"
    head = made.json["head"]
    assert lee.post(f"/{number}/reviews", verdict="approve", head=head).status_code == 201

    merged = kim.post(f"/{number}/merge", head=head)

    assert merged.status_code == 200
    assert merged.json["change"]["state"] == "merged"
    assert standing(api) == "Soft."
    entries = kim.get(f"/{number}/comments").json["items"]
    assert [each["kind"] for each in entries] == ["opened", "commented", "approved", "merged"]
    assert [each["number"] for each in kim.get("?show=merged").json["items"]] == [number]
    assert kim.get().json["items"] == []


def test_the_account_behind_a_token_approves_nothing_of_its_own(api: Api, kim: Client) -> None:
    """Another token of the same account neither."""
    number = kim.propose()
    other = Client(api, token(api, "kim", Scope.REVIEW))

    answer = other.post(f"/{number}/reviews", verdict="approve", head=kim.head(number))

    assert answer.status_code == 403
    assert "yours" in answer.json["detail"]


def test_scopes_and_environments_of_a_token_count(api: Api, kim: Client, lee: Client) -> None:
    """Reading proposes nothing, reviewing merges nothing, and staging's token sees no hotfix."""
    save(api.repository, STAGING, [Edit(key("aria/happy"), "Joy.")], SAM, "")
    promote(api.repository, Order(), SAM, "Go live")
    number = kim.propose()
    hotfix = kim.propose(base=PRODUCTION, title="Fix")
    reader = Client(api, token(api, "vi", Scope.READ))
    only_staging = Client(api, token(api, "lee", Scope.REVIEW, environments=(STAGING,)))

    assert reader.post(title="No", edits=[EDIT]).status_code == 403
    assert lee.post(f"/{number}/merge", head=kim.head(number)).status_code == 403
    assert only_staging.get(f"/{hotfix}").status_code == 403
    assert only_staging.post(title="No", base=PRODUCTION, edits=[EDIT]).status_code == 403
    assert [each["number"] for each in only_staging.get().json["items"]] == [number]
    lee.post(f"/{hotfix}/reviews", verdict="approve", head=kim.head(hotfix))
    assert kim.post(f"/{hotfix}/merge", head=kim.head(hotfix)).status_code == 403  # not promote

    promoter = Client(api, token(api, "ada", Scope.WRITE, Scope.PROMOTE))
    done = promoter.post(f"/{hotfix}/merge", head=kim.head(hotfix))
    assert done.status_code == 200
    assert done.json["staging_commit"]
    assert standing(api) == standing(api, PRODUCTION) == "Soft."


def test_conflicts_are_told_and_decided(api: Api, kim: Client) -> None:
    """409 with the paths; then a side, or a text, on the commits that were looked at."""
    number = kim.propose()
    save(api.repository, STAGING, [Edit(key("aria/angry"), "Hard.")], SAM, "")
    found = kim.get(f"/{number}").json
    assert found["conflicts"] == [
        {
            "path": "characters/aria/angry.yaml",
            "field": "prompt",
            "base": "One.\nTwo.\nThree.\n",
            "ours": "Soft.",
            "theirs": "Hard.",
        }
    ]
    assert not found["mergeable"]
    head, at = found["head"], {"path": "characters/aria/angry.yaml", "field": "prompt"}

    refused = [
        kim.post(f"/{number}/merge", head=head),
        kim.post(f"/{number}/update", head=head),
        kim.post(f"/{number}/update", head=head, base=head, decisions=[{**at, "choice": "ours"}]),
        kim.post(f"/{number}/update", head=head, decisions=[at]),
    ]
    done = kim.post(f"/{number}/update", head=head, decisions=[{**at, "text": "Medium."}])

    assert [409, 409, 409, 422] == [each.status_code for each in refused]
    assert refused[0].json["paths"] == ["characters/aria/angry.yaml"]
    assert done.status_code == 200
    assert kim.post(f"/{number}/merge", head=done.json["head"]).status_code == 200
    assert standing(api) == "Medium."


def test_a_stale_head_is_told_with_the_new_one(api: Api, kim: Client, lee: Client) -> None:
    """Nothing unseen is reviewed or merged."""
    number = kim.propose()
    seen = kim.head(number)
    more = kim.post(f"/{number}/edits", edits=[{**EDIT, "prompt_text": "Softer."}])

    for answer in (
        lee.post(f"/{number}/reviews", verdict="approve", head=seen),
        kim.post(f"/{number}/merge", head=seen),
    ):
        assert answer.status_code == 409
        assert answer.json["type"] == "urn:prompt-repo:change-moved"
        assert answer.json["head"] == more.json["head"]


def test_closing_and_reopening(api: Api, kim: Client, lee: Client) -> None:
    """By whoever proposed it; what is closed is not merged."""
    number = kim.propose()
    head = kim.head(number)

    assert lee.post(f"/{number}/close").status_code == 403
    assert kim.post(f"/{number}/close", text="Not now").json["state"] == "closed"
    assert kim.post(f"/{number}/merge", head=head).status_code == 409
    assert kim.post(f"/{number}/reopen").json["state"] == "open"


def test_bulk_edits_are_proposed_or_added(api: Api) -> None:
    """`change` names a new one by its title, or an open one by its slug."""
    body = {"edits": [EDIT], "reason": "Many", "change": {"title": "All softer"}}

    made = api.ask("POST", "/bulk", json=body)
    body["change"] = "all-softer"
    body["edits"] = [{**EDIT, "emotion": "happy"}, {**EDIT, "character": None}]
    added = api.ask("POST", "/bulk", json=body)
    body["change"] = "nothing-of-that-name"
    unknown = api.ask("POST", "/bulk", json=body)

    assert [200, 200, 404] == [each.status_code for each in (made, added, unknown)]
    assert made.json["change"] == added.json["change"] == 1
    assert [each["prompt_text"] for each in added.json["items"]] == ["Soft.", "Soft."]
    assert standing(api) == "One.\nTwo.\nThree.\n"
    client = Client(api, api.token)
    assert len(client.get("/1").json["paths"]) == 3


def test_what_an_edit_saw_is_held_against_the_environment(api: Api, kim: Client) -> None:
    """A stale ETag is 412; a base from before begins there, and is a conflict to decide."""
    seen = api.repository.head(STAGING)
    save(api.repository, STAGING, [Edit(key("aria/angry"), "Hard.")], SAM, "")

    stale = kim.post(title="T", edits=[{**EDIT, "if_match": '"stale"'}])
    begun = kim.propose(edits=[{**EDIT, "base": seen}])

    assert stale.status_code == 412
    assert kim.get(f"/{begun}").json["conflicts"][0]["theirs"] == "Hard."


def test_a_conflict_shows_no_text_from_elsewhere(api: Api, kim: Client) -> None:
    """A base that neither the environment nor the request ever held is no base."""
    elsewhere = kim.head(kim.propose(edits=[{**EDIT, "prompt_text": "Between us."}]))
    mine = kim.propose(title="Mine", edits=[{**EDIT, "emotion": "happy"}])
    edits = [{**EDIT, "base": elsewhere}]

    answers = [kim.post(title="T", edits=edits), kim.post(f"/{mine}/edits", edits=edits)]

    assert [404, 404] == [each.status_code for each in answers]
    assert not any("Between us." in each.text for each in answers)


def test_pages_of_the_list(api: Api, kim: Client) -> None:
    """Newest first, none twice; an answer that stands is a 304."""
    for text in ("a", "b", "c"):
        kim.propose(edits=[{**EDIT, "prompt_text": text}])

    first = kim.get("?limit=2").json
    rest = kim.get(f"?limit=2&cursor={first['next_cursor']}").json

    numbers = [each["number"] for each in (*first["items"], *rest["items"])]
    assert numbers == [3, 2, 1]
    assert rest["next_cursor"] is None
    etag = kim.get("/1").headers["ETag"]
    headers = {**kim.headers, "If-None-Match": etag}
    assert kim.client.get("/api/v1/changes/1", headers=headers).status_code == 304


@pytest.mark.parametrize(
    ("tail", "body", "status"),
    [
        ("", {"title": " ", "edits": [EDIT]}, 422),
        ("", {"title": "T", "edits": []}, 422),
        ("", {"title": "T", "edits": [EDIT, EDIT]}, 422),
        ("", {"title": "T", "slug": "../x", "edits": [EDIT]}, 422),
        ("", {"title": "T", "edits": [{**EDIT, "emotion": "smug"}]}, 400),
        ("", {"title": "T", "edits": [{**EDIT, "character": "nobody"}]}, 404),
        ("", {"title": "T", "description": "Reviewed-by: x", "edits": [EDIT]}, 422),
        ("", {"title": "T", "edits": [{**EDIT, "prompt_text": "One.\nTwo.\nThree.\n"}]}, 409),
        ("/1/comments", {"text": " "}, 422),
        ("/1/comments", {"text": "Hm", "path": "defaults/idle.yaml", "line": 1}, 422),
        ("/1/comments", {"text": "Hm", "line": 1}, 422),
        ("/1/reviews", {"verdict": "request_changes", "head": "HEAD"}, 422),
        ("/99/comments", {"text": "Hm"}, 404),
        ("/1/merge", {"head": "0" * 40}, 409),
    ],
)
def test_bad_input_is_refused_and_does_nothing(
    api: Api, kim: Client, tail: str, body: dict[str, Any], status: int
) -> None:
    """A problem that says what is wrong; no branch and no entry is left behind."""
    kim.propose()
    before = api.repository.store.branches()

    answer = kim.post(tail, **body)

    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]
    assert api.repository.store.branches() == before
    assert len(kim.get("/1/comments").json["items"]) == 1


def test_requesting_changes_needs_words(api: Api, kim: Client, lee: Client) -> None:
    """And keeps it from being merged while they stand."""
    number = kim.propose()
    head = kim.head(number)
    order = {"verdict": "request_changes", "head": head}

    assert lee.post(f"/{number}/reviews", **order).status_code == 422
    assert lee.post(f"/{number}/reviews", **order, text="Too soft").status_code == 201
    refused = kim.post(f"/{number}/merge", head=head)

    assert refused.status_code == 409
    assert "lee asked for changes" in refused.json["detail"]


def test_where_staging_needs_approval_writes_say_how_to_propose(api: Api) -> None:
    """403 with `instead`, for every kind of write."""
    folder = api.repository.store.path.parent
    api.app = make_app(folder, approvals_staging=1)
    path = "/characters/aria/emotional-prompts/angry"
    headers = {"If-Match": "*"}
    tries = [
        api.ask("PUT", path, json={"prompt_text": "x"}, headers=headers),
        api.ask("DELETE", path, headers=headers),
        api.ask("POST", f"{path}/restore", headers=headers),
        api.ask("POST", f"{path}/revert", json={"version": 1}, headers=headers),
        api.ask("POST", "/bulk", json={"edits": [EDIT]}, headers=headers),
        api.ask("POST", "/characters", json={"id": "cy", "name": "Cy"}),
        api.ask("PATCH", "/characters/aria", json={"name": "Cy"}, headers=headers),
        api.ask("DELETE", "/characters/aria", headers=headers),
    ]

    assert [403] * len(tries) == [each.status_code for each in tries]
    assert {"propose it: POST /api/v1/changes"} == {each.json["instead"] for each in tries}
    assert standing(api) == "One.\nTwo.\nThree.\n"


def test_settings_of_a_character_are_proposed_and_added(api: Api, kim: Client, lee: Client) -> None:
    """What is left out stays; beside texts or alone; merged, it stands in the environment."""
    before = api.repository.current(STAGING).character("aria")
    settings = {"character": "aria", "variables": {"voice": "low"}, "tags": ["lead"]}

    made = kim.post(title="Lower", edits=[EDIT], characters=[settings], reason="Lower")
    number = made.json["number"]
    more = kim.post(f"/{number}/edits", characters=[{"character": "aria", "description": "Calm."}])
    lee.post(f"/{number}/reviews", verdict="approve", head=kim.head(number))
    merged = kim.post(f"/{number}/merge", head=kim.head(number))

    assert (made.status_code, more.status_code, merged.status_code) == (201, 200, 200)
    assert made.json["paths"] == ["characters/aria/angry.yaml", "characters/aria/character.yaml"]
    after = api.repository.current(STAGING).character("aria")
    assert (after.name, after.description) == (before.name, "Calm.")
    assert (after.variables, after.tags) == ({"voice": "low"}, ("lead",))


def test_settings_that_can_not_be_proposed_are_refused(api: Api, kim: Client) -> None:
    """Nobody of that name, nothing at all, what would change nothing, an ETag that is stale."""
    name = api.repository.current(STAGING).character("aria").name

    answers = [
        kim.post(title="T", characters=[each])
        for each in (
            {"character": "nobody", "name": "No"},
            {"character": "aria", "name": name},
            {"character": "aria", "name": "Ria", "if_match": '"stale"'},
            {"character": "aria", "variables": {"Not a name": "x"}},
        )
    ]

    assert [each.status_code for each in answers] == [404, 409, 412, 422]
    assert kim.post(title="T").status_code == 422
    assert "give edits or characters" in kim.post(title="T").text


def test_settings_that_moved_since_their_base_are_a_conflict_of_the_request(
    api: Api, kim: Client
) -> None:
    """Nobody decides before proposing: it shows what clashes."""
    base = api.repository.head(STAGING)
    change_character(
        api.repository, STAGING, "aria", lambda who: replace(who, name="Ada"), SAM, "Other"
    )

    number = kim.propose(edits=[], characters=[{"character": "aria", "name": "Ria", "base": base}])

    (clash,) = kim.get(f"/{number}").json["conflicts"]
    assert (clash["field"], clash["ours"], clash["theirs"]) == ("name", "Ria", "Ada")
