"""The mirror against real servers on loopback: git's own, and a second instance of ours."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from benchmarks.http_backend import serving
from prompt_repo import git_anchors, mirroring
from prompt_repo.errors import GitFailed
from prompt_repo.git_incoming import public_refs
from prompt_repo.git_remote import Remote
from prompt_repo.mirroring import Standing, exchange
from prompt_repo.model import Author
from prompt_repo.promotion import Order, promote
from prompt_repo.receiving import Rights
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import SAM, key, make_repository, put
from tests.git_client import Clone, git, prompt, secret
from tests.web import make_app, person, served, services
from webapp import mirror
from webapp.access import Role, Scope

ANGRY = "characters/aria/angry.yaml"
WHO = Author("Mirror", "mirror@prompt-repo.invalid")
RIGHTS = Rights(writes=True, promotes=True)


@pytest.fixture
def ours(tmp_path: Path) -> Repository:
    """A repository with a prompt that is in production too."""
    repository = make_repository(tmp_path, ("aria", "bolt"))
    put(repository, {"aria/angry": "Frowns."})
    promote(repository, Order(), SAM, "First")
    return repository


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[str]:
    """An empty repository on a plain Git server."""
    folder = tmp_path / "host"
    folder.mkdir()
    assert git(folder, "init", "-q", "--bare", "-b", "staging", "theirs.git").ok
    with serving(folder) as url:
        yield f"{url}/theirs.git"


def elsewhere(upstream: str, folder: Path) -> Clone:
    """A clone of the mirror, as somebody has who works there."""
    assert git(folder, "clone", "-q", upstream, "elsewhere").ok
    return Clone(folder / "elsewhere")


def standings(repository: Repository, remote: Remote) -> dict[str, Standing]:
    done = exchange(repository, remote, RIGHTS, WHO)
    return {branch.name: branch.standing for branch in done.branches}


def theirs(folder: Path, ref: str) -> str:
    return git(folder / "host" / "theirs.git", "rev-parse", ref).said.strip()


def test_what_we_have_goes_there(ours: Repository, upstream: str, tmp_path: Path) -> None:
    """Branches and tags; a second round has nothing to do."""
    first = exchange(ours, Remote.at(upstream), RIGHTS, WHO)
    second = exchange(ours, Remote.at(upstream), RIGHTS, WHO)

    assert ("refs/heads/staging", "refs/heads/production") == first.pushed
    assert () == second.pushed == second.moves
    assert [ours.head(STAGING), ours.head(PRODUCTION)] == [
        theirs(tmp_path, STAGING),
        theirs(tmp_path, PRODUCTION),
    ]
    assert 1 == len(git(tmp_path / "host" / "theirs.git", "tag").said.split())


def test_anchors_of_the_audit_log_go_there(ours: Repository, upstream: str, tmp_path: Path) -> None:
    """Nobody who rewrites the log and its anchor here reaches that one; a round tells of it."""
    remote, ref = Remote.at(upstream), mirroring.ANCHORS
    git_anchors.append(ours.store.path, ref, "Audit log at entry 1", {"Entry": "1"})

    before = standings(ours, remote)
    kept = theirs(tmp_path, ref)
    assert git(ours.store.path, "rev-parse", ref).said.strip() == kept
    assert git(ours.store.path, "update-ref", "-d", ref).ok
    git_anchors.append(ours.store.path, ref, "Audit log at entry 1", {"Entry": "another"})
    after = standings(ours, remote)

    assert kept == theirs(tmp_path, ref)
    assert (None, Standing.REFUSED_THERE) == (before.get("audit log"), after["audit log"])


def test_what_is_pushed_there_comes_here(ours: Repository, upstream: str, tmp_path: Path) -> None:
    """A new commit of staging, a new change, and a promotion that keeps the rule."""
    exchange(ours, Remote.at(upstream), RIGHTS, WHO)
    clone = elsewhere(upstream, tmp_path)
    clone.commit({ANGRY: prompt("From elsewhere.")})
    clone.push("staging", "staging:changes/idea")
    clone.git("checkout", "-q", "production")
    clone.git("merge", "-q", "--no-ff", "-m", "Release", "staging")
    clone.push("production")

    done = exchange(ours, Remote.at(upstream), RIGHTS, WHO)

    assert [STAGING, PRODUCTION, "changes/idea"] == [branch for branch, _, _ in done.moves]
    assert {Standing.SAME} == {branch.standing for branch in done.branches}
    assert "From elsewhere." == ours.current(PRODUCTION).stored(key("aria/angry")).prompt.text


def test_what_breaks_a_rule_there_is_not_taken(
    ours: Repository, upstream: str, tmp_path: Path
) -> None:
    """It is told with its place; the other branches go on both ways."""
    exchange(ours, Remote.at(upstream), RIGHTS, WHO)
    clone, before = elsewhere(upstream, tmp_path), ours.head(STAGING)
    clone.commit({ANGRY: "prompt: 3\n"})
    clone.push("staging")

    done = exchange(ours, Remote.at(upstream), RIGHTS, WHO)
    found = {branch.name: branch for branch in done.branches}

    assert before == ours.head(STAGING)
    assert Standing.REFUSED_HERE is found[STAGING].standing
    assert f"{ANGRY}:1:9: prompt: this must be text" in found[STAGING].why
    assert Standing.SAME is found[PRODUCTION].standing


def test_who_went_apart_is_told_and_never_forced(
    ours: Repository, upstream: str, tmp_path: Path
) -> None:
    """Both sides stay where they are, with the numbers of commits; a merge in a clone mends it."""
    exchange(ours, Remote.at(upstream), RIGHTS, WHO)
    clone = elsewhere(upstream, tmp_path)
    there = clone.commit({ANGRY: prompt("Theirs.")})
    clone.push("staging")
    here = put(ours, {"bolt/idle": "Ours."})

    done = exchange(ours, Remote.at(upstream), RIGHTS, WHO)
    apart = next(branch for branch in done.branches if branch.name == STAGING)
    clone.git("fetch", "-q", str(ours.store.path), "staging")
    clone.git("merge", "-q", "-m", "Join", "FETCH_HEAD")
    clone.push("staging")

    assert (Standing.DIVERGED, 1, 1) == (apart.standing, apart.ahead, apart.behind)
    assert () == done.moves == done.pushed
    assert {here, there} == {*clone.git("rev-parse", "HEAD^1", "HEAD^2").split()}
    assert {Standing.SAME} == set(standings(ours, Remote.at(upstream)).values())
    assert "Theirs." == ours.current(STAGING).stored(key("aria/angry")).prompt.text


def test_one_that_can_not_be_reached_is_said_without_its_secret(ours: Repository) -> None:
    """Neither in the error nor in what is shown."""
    remote = Remote.at("http://ci:hush-hush@127.0.0.1:1/p.git")

    with pytest.raises(GitFailed) as failed:
        exchange(ours, remote, RIGHTS, WHO)

    assert "http://127.0.0.1:1/p.git" == remote.shown
    assert "hush" not in f"{failed.value}{remote!r}{remote.shown}"


@pytest.mark.parametrize("url", ["ext::sh -c id", "--upload-pack=id", "-u/tmp"])
def test_an_address_that_would_run_something_runs_nothing(ours: Repository, url: str) -> None:
    """Only Git's own transports are let in."""
    with pytest.raises(GitFailed):
        exchange(ours, Remote.at(url), RIGHTS, WHO)


def wait_for(said: str, app: Flask, until: object) -> None:
    """Gives the thread time; the test fails where nothing comes of it."""
    assert callable(until)
    for _ in range(300):
        if until():
            return
        time.sleep(0.1)
    raise AssertionError(f"{said}: {app.extensions[mirror.EXTENSION].state()}")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Flask, Flask]]:
    """Two instances of ours; the first one's mirror is the second."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    make_repository(tmp_path / "one", ("aria",))
    git(tmp_path, "clone", "-q", "--mirror", "one/prompts.git", "two/prompts.git")
    other = make_app(tmp_path / "two")
    with served(other) as url:
        app = make_app(
            tmp_path / "one",
            mirror_url=f"{url}/git/prompts.git",
            mirror_secret=secret(other, Scope.WRITE, Scope.PROMOTE),
            mirror_webhook_secret="agreed",
            mirror_seconds=3600,
        )
        yield app, other
        app.extensions[mirror.EXTENSION].stop()


def test_two_instances_keep_each_other(pair: tuple[Flask, Flask]) -> None:
    """A push here is there soon; a change there comes by the signed webhook; the page shows it."""
    app, other = pair
    here, there = (services(each).repository.get() for each in pair)
    state = app.extensions[mirror.EXTENSION].state
    wait_for("the first round", app, lambda: state().done_at is not None)
    put(here, {"aria/angry": "Saved here."})  # as the command line does, without a word
    wait_for("to them", app, lambda: there.head(STAGING) == here.head(STAGING))
    put(there, {"aria/angry": "Saved there."})
    body = b'{"ref": "refs/heads/staging"}'
    good = "sha256=" + hmac.new(b"agreed", body, hashlib.sha256).hexdigest()
    url, client = "/api/v1/mirror/webhook", app.test_client()

    refused = [
        client.post(url, data=body, headers=headers).status_code
        for headers in ({}, {"X-Hub-Signature-256": "sha256=00"}, {"X-Gitlab-Token": "guess"})
    ]
    taken = client.post(url, data=body, headers={"X-Hub-Signature-256": good}).status_code
    wait_for("from them", app, lambda: there.head(STAGING) == here.head(STAGING))
    wait_for("the state", app, lambda: state().taken_at is not None)
    page = person(app, Role.ADMIN).get("/repository").text

    assert ([403] * 3, 202) == (refused, taken)
    assert "Saved there." == here.current(STAGING).stored(key("aria/angry")).prompt.text
    assert "Same on both sides" in page
    assert secret(other, Scope.READ)[:3] == "pr_"
    assert "pr_" not in page
    assert "agreed" not in page


def test_what_went_live_there_has_its_tag_here(pair: tuple[Flask, Flask]) -> None:
    """The very same one, for it says no more than the commit does."""
    app, _ = pair
    here, there = (services(each).repository.get() for each in pair)
    mirroring = app.extensions[mirror.EXTENSION]
    wait_for("the first round", app, lambda: mirroring.state().done_at is not None)
    put(there, {"aria/angry": "Saved there."})
    promote(there, Order(), SAM, "Live")

    mirroring.wake()
    wait_for("from them", app, lambda: there.head(PRODUCTION) == here.head(PRODUCTION))
    wait_for("its tag", app, lambda: bool(here.store.tags()))

    tags = [public_refs(each.store) for each in (here, there)]
    assert tags[0] == tags[1]
    assert [there.head(PRODUCTION)] == [*here.store.tags().values()]


def test_gitlab_sends_its_token(pair: tuple[Flask, Flask]) -> None:
    """The other way of signing."""
    answer = (
        pair[0]
        .test_client()
        .post("/api/v1/mirror/webhook", data=b"{}", headers={"X-Gitlab-Token": "agreed"})
    )

    assert 202 == answer.status_code


def test_one_process_works_at_a_time(pair: tuple[Flask, Flask]) -> None:
    """Whoever has the lease; the others come again when it is over."""
    app, _ = pair
    mirroring = app.extensions[mirror.EXTENSION]
    wait_for("the first round", app, lambda: mirroring.state().done_at is not None)
    mirroring.stop()
    wait_for("the end", app, lambda: not mirroring.state().working)

    first, second = mirroring._leased(), mirroring.round()

    assert (True, False) == (first, second)


def test_without_a_mirror_the_page_says_how(tmp_path: Path) -> None:
    """And the webhook is not there."""
    make_repository(tmp_path)
    app = make_app(tmp_path)

    page = person(app, Role.ADMIN).get("/repository").text

    assert "PROMPT_REPO_MIRROR_URL" in page
    assert "git clone http://localhost/git/prompts.git" in page
    assert 404 == app.test_client().post("/api/v1/mirror/webhook").status_code
