"""Promotions over the API."""

from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import Api
from tests.factories import put
from webapp.access import Scope

ANGRY = "characters/aria/angry.yaml"


def ask(api: Api, method: str, path: str = "", token: str = "", **more):  # type: ignore[no-untyped-def]
    """An answer of /promotions."""
    headers = {"Authorization": f"Bearer {token or api.new_token(Scope.PROMOTE)}"}
    address = f"/api/v1/promotions{path}"
    return api.app.test_client().open(address, method=method, headers=headers, **more)


def pins(api: Api) -> dict[str, str]:
    """The commits of the plan as it is now."""
    plan = ask(api, "GET", "/plan").json
    return {"staging": plan["from"]["commit"], "production": plan["to"]["commit"]}


def test_a_plan_is_carried_out_and_undone(api: Api) -> None:
    """Plan, promotion, record and roll-back tell of the same documents."""
    plan = ask(api, "GET", "/plan").json
    assert {"ahead"} == {item["state"] for item in plan["items"]}
    assert plan["counts"]["ahead"] == len(plan["items"]) == 4

    done = ask(api, "POST", json={"plan": pins(api), "reason": "Go live"})

    assert done.status_code == 201
    assert done.json["tag"].startswith("production/")
    assert ANGRY in done.json["paths"]
    assert "aria/angry: none → 1" in done.json["notes"]
    assert ask(api, "GET", "/plan").json["items"] == []
    assert ask(api, "GET", f"/{done.json['id']}").json == done.json
    read = api.ask("GET", "/characters/aria/emotional-prompts/angry/resolved", env=PRODUCTION)
    assert read.json["text"] == "One.\nTwo.\nThree.\n"

    back = ask(api, "POST", f"/{done.json['id']}/rollback", json={"only": [ANGRY]})

    assert back.status_code == 201
    assert back.json["did"] == "rolled back"
    listed = ask(api, "GET", "?limit=2").json
    assert [each["id"] for each in listed["items"]] == [back.json["id"], done.json["id"]]
    assert ask(api, "GET", "/plan").json["items"][0]["state"] == "held back"


def test_a_moved_plan_is_answered_with_a_fresh_one(api: Api) -> None:
    """409 carries the plan as it is now, and nothing was promoted."""
    pinned = pins(api)
    put(api.repository, {"aria/angry": "Other."})

    refused = ask(api, "POST", json={"plan": pinned})

    assert refused.status_code == 409
    assert refused.mimetype == "application/problem+json"
    assert refused.json["plan"]["from"]["commit"] == api.repository.head(STAGING)
    assert api.repository.head(PRODUCTION) == pinned["production"]


def test_what_diverged_is_decided_in_the_body(api: Api) -> None:
    """Without a decision 409 names the paths; a text of one's own settles both environments."""
    ask(api, "POST", json={"plan": pins(api)})
    head = api.repository.head(PRODUCTION)
    store = api.repository.store
    author = store.commit(head).author
    raw = b"prompt: |-\n  Mended.\n"
    fix = store.write(PRODUCTION, head, {ANGRY: raw}, author=author, message="Fix")
    api.repository.written(PRODUCTION, fix)
    put(api.repository, {"aria/angry": "Softer."})

    asked = ask(api, "POST", json={"plan": pins(api)})
    both = {ANGRY: {"prompt_text": "Mended, softer."}}
    done = ask(api, "POST", json={"plan": pins(api), "decisions": both})

    assert asked.status_code == 409
    assert asked.json["paths"] == [ANGRY]
    assert done.status_code == 201
    for branch in (STAGING, PRODUCTION):
        assert api.repository.current(branch).resolve("aria", "angry").text == "Mended, softer."


def test_only_those_entitled_promote(api: Api) -> None:
    """Writing staging is not promoting, and a token for one environment is not for both."""
    body = {"plan": pins(api)}
    writer = api.new_token(Scope.WRITE)
    elsewhere = api.new_token(Scope.PROMOTE, environments=(STAGING,))

    assert ask(api, "POST", token=writer, json=body).status_code == 403
    assert ask(api, "POST", token=elsewhere, json=body).status_code == 403
    assert ask(api, "GET", "/plan", token=elsewhere).status_code == 403
    assert ask(api, "POST", json={}).status_code == 422
    assert ask(api, "POST", json={**body, "only": ["../x"]}).status_code == 422
    assert ask(api, "GET", "/" + "0" * 40).status_code == 404
    assert ask(api, "POST", "/junk/rollback", json={}).status_code == 404


def test_an_unchanged_plan_is_not_sent_again(api: Api) -> None:
    """The plan's ETag is made of the two commits."""
    first = ask(api, "GET", "/plan")
    token = {"Authorization": f"Bearer {api.new_token(Scope.PROMOTE)}"}

    again = api.app.test_client().get(
        "/api/v1/promotions/plan", headers={**token, "If-None-Match": first.headers["ETag"]}
    )

    assert again.status_code == 304
