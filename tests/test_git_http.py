"""Clone, fetch and push with a real git over real HTTP."""

import gzip
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from prompt_repo import git_cli
from prompt_repo.editing import Edit, save
from prompt_repo.git_protocol import packet
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from tests.factories import KIM, SAM, key, make_repository, put
from tests.git_client import Clone, address, git, prompt, secret
from tests.web import make_app, served, services
from webapp import events
from webapp.access import Scope
from webapp.events import Event, Happened
from webapp.records.models import AuditEntry

ANGRY = "characters/aria/angry.yaml"


class Studio:
    """A served repository with the characters aria and bolt and a few prompts."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        make_repository(folder, ("aria", "bolt"))
        self.app: Flask = make_app(folder, login_limit="5 per minute", **settings)
        self.repository: Repository = services(self.app).repository.get()
        put(self.repository, {"aria/angry": "Frowns.", "defaults/idle": "Waits."})
        promote(self.repository, Order(), SAM, "First release")
        self.url = ""
        self.heard: list[Happened] = []
        events.listen(self.app, Event.BRANCH_MOVED, self.heard.append)

    def address(self, *scopes: Scope, environments: tuple[str, ...] = ()) -> str:
        return address(self.url, secret(self.app, *scopes, environments=environments))

    def clone(self, *scopes: Scope, name: str = "clone") -> Clone:
        where = self.address(*(scopes or (Scope.WRITE,)))
        done = git(self.folder, "clone", "-q", where, name)
        assert done.ok, done.said
        return Clone(self.folder / name)

    def head(self, branch: str = STAGING) -> str | None:
        return self.repository.store.head(branch)

    def text(self, name: str = "aria/angry", branch: str = STAGING) -> str | None:
        stored = self.repository.current(branch).stored(key(name))
        return stored.prompt.text if stored else None


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    with served(made.app) as made.url:
        yield made


def unreachable(studio: Studio, oid: str) -> bool:
    """Whether the server has nothing of an object."""
    where = studio.repository.store.path
    return git_cli.completed(where, ["cat-file", "-e", oid]).returncode != 0


def test_a_clone_holds_both_environments(studio: Studio) -> None:
    """And the tags of promotions, and not what is the server's own."""
    clone = studio.clone(Scope.READ)

    assert studio.head() == clone.git("rev-parse", "origin/staging")
    assert studio.head(PRODUCTION) == clone.git("rev-parse", "origin/production")
    assert 1 == len(clone.git("tag", "-l", "production/*").splitlines())
    assert "Frowns." in (clone.folder / ANGRY).read_text()


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_protocol_clones_and_fetches(studio: Studio, version: str) -> None:
    """What the client asks for is what git on the server speaks."""
    speaks = ("-c", f"protocol.version={version}")
    where = studio.address(Scope.READ)
    assert git(studio.folder, *speaks, "clone", "-q", where, "c").ok
    clone = Clone(studio.folder / "c")
    moved = put(studio.repository, {"bolt/idle": "Hums."})

    assert clone.run(*speaks, "fetch", "-q").ok
    assert moved == clone.git("rev-parse", "origin/staging")


def test_shallow_and_partial_clones_work(studio: Studio) -> None:
    """A shallow one can be filled up and pushed from; a partial one fetches what it lacks."""
    where = studio.address(Scope.WRITE)
    shallow, partial = Clone(studio.folder / "shallow"), Clone(studio.folder / "partial")
    assert git(studio.folder, "clone", "-q", "--depth=1", where, "shallow").ok
    assert git(
        studio.folder, "clone", "-q", "--filter=blob:none", "--no-checkout", where, "partial"
    ).ok

    shallow.commit({ANGRY: prompt("From a shallow clone.")})
    pushed = shallow.push("staging")
    shallow.git("fetch", "-q", "--unshallow")
    partial.git("checkout", "-q", "staging")

    assert pushed.ok, pushed.said
    assert "From a shallow clone." == studio.text()
    assert "Frowns." in (partial.folder / ANGRY).read_text()
    assert shallow.git("rev-list", "--max-parents=0", "HEAD") != shallow.git("rev-parse", "HEAD~1")


def test_a_push_is_seen_at_once(studio: Studio) -> None:
    """In the API, under the name in the commit, as the next version."""
    clone = studio.clone()
    commit = clone.commit({ANGRY: prompt("Clenches her jaw.")}, "Hold it in")

    pushed = clone.push("staging")
    answer = studio.app.test_client().get(
        "/api/v1/environments/staging/characters/aria/emotional-prompts/angry",
        headers={"Authorization": f"Bearer {secret(studio.app, Scope.READ)}"},
    )

    assert pushed.ok, pushed.said
    assert commit == studio.head() == answer.json["commit"]
    assert ("Clenches her jaw.", 2) == (answer.json["prompt_text"], answer.json["version"])
    assert "Pat Reyes" == answer.json["updated_by"]["name"]


def test_a_push_is_told_to_listeners_and_the_audit_log(studio: Studio) -> None:
    """Who, which branch, from where to where; a refused one too."""
    clone, before = studio.clone(), studio.head()
    commit = clone.commit({ANGRY: prompt("Louder.")})
    clone.push("staging")
    clone.commit({"README": "x"})
    clone.push("staging")
    with services(studio.app).records.reading() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action == "git.push")).all()

    facts = {"branch": STAGING, "old": before, "new": commit}
    assert [facts] == [dict(each.facts) for each in studio.heard]
    assert studio.heard[0].actor.startswith("token:")
    assert ["done", "refused"] == [entry.outcome for entry in found]
    assert [facts] == found[0].detail["moves"]
    assert "README" not in str(found[0].detail)


def test_many_objects_arrive_as_one_pack(studio: Studio) -> None:
    """A push of hundreds of files leaves one pack, not hundreds of objects."""
    clone = studio.clone()
    files: dict[str, str | bytes | None] = {}
    for number in range(80):
        files[f"characters/c{number}/character.yaml"] = f"name: C{number}\n"
        files[f"characters/c{number}/angry.yaml"] = prompt(f"Angry {number}.")
    clone.commit(files)

    pushed = clone.push("staging")

    assert pushed.ok, pushed.said
    assert "Angry 79." == studio.text("c79/angry")
    assert 1 == len([*(studio.repository.store.path / "objects" / "pack").glob("*.pack")])
    assert [] == git_cli.fsck(studio.repository.store.path)


def bad(clone: Clone) -> dict[str, tuple[str, ...]]:
    """Commits that may not be let in, each on a branch, with what the terminal must show."""
    start = clone.git("rev-parse", "HEAD")
    told: dict[str, tuple[str, ...]] = {}

    def case(name: str, *shown: str, **_: object) -> None:
        clone.git("branch", "-f", name)
        told[name] = shown
        clone.git("reset", "-q", "--hard", start)

    clone.commit({ANGRY: "prompt: 3\nnotse: x\n"})
    case("schema", f"{ANGRY}:1:9: prompt: this must be text", f"{ANGRY}:2:1")
    clone.commit({ANGRY: "prompt: [\n"})
    case("yaml", f"{ANGRY}:2:1: this is not YAML")
    clone.commit({"characters/aria/sulky.yaml": prompt("Sulks.")})
    said = "valid are idle, happy, angry (listed at prompts.yaml:2:1)"
    case("emotion", "characters/aria/sulky.yaml:1:1: 'sulky'", said)
    mine = "emotions:\n- id: idle\n  label: Idle\n  colour: '#6b7280'\n"
    clone.commit({"prompts.yaml": f"# Ours\nformat: 1\n{mine}"})
    said = "valid are idle (listed at prompts.yaml:3:1)"
    case("emotion-gone", f"{ANGRY}:1:1: 'angry' would be no emotion there; {said}")
    clone.commit({"characters/nobody/angry.yaml": prompt("Who?")})
    case("character", "characters/nobody/angry.yaml:1:1: would override", "'nobody'")
    clone.commit({"README.md": "hello\n"})
    case("foreign", "README.md:1:1: no document of a prompt repository")
    clone.commit({"characters/aria/deep/er/angry.yaml": prompt("x")})
    case("folder", "characters/aria/deep/er/angry.yaml:1:1: no document of a prompt repository")
    (clone.folder / "characters/aria/happy.yaml").symlink_to("/etc/passwd")
    clone.commit({})
    said = "is a symbolic link (mode 120000) to '/etc/passwd'"
    case("link", f"characters/aria/happy.yaml:1:1: {said}")
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{start},characters/sub")
    clone.git("commit", "-q", "-m", "Submodule")
    said = f"is a submodule (mode 160000) to '{start[:9]}'"
    case("submodule", f"characters/sub:1:1: {said}")
    clone.commit({ANGRY: b"prompt: " + b"x" * 11_000_001})
    case("large", f"{ANGRY}:1:1: has 11,000,009 bytes, 11,000,000 are the most")
    clone.commit({ANGRY: prompt("y" * 262_145)})
    case("limit", f"{ANGRY}:1:9: prompt: the text has 262,145 bytes", "limits.prompt_bytes")
    clone.commit(
        {ANGRY: prompt("Fine.") + "tags:\n" + "".join(f"- t{number}\n" for number in range(33))}
    )
    case("tags", f"{ANGRY}:3:1: tags: there are 33 tags", "limits.tags")
    clone.commit({"prompts.yaml": None})
    said = "without its list of emotions nothing can be read; put it back"
    case("configuration", f"prompts.yaml: would be missing, and {said}")
    clone.commit({ANGRY: prompt("Fine.")}, f"Sneak\n\nPromoted-From: {start}")
    case("trailer", "'Promoted-From'", "the server's to write")
    clone.commit({ANGRY: "prompt: 3\n"})
    clone.commit({ANGRY: prompt("Mended.")})
    case("middle", f"{ANGRY}:1:9")
    return told


def test_what_may_not_be_pushed_is_told_with_its_place(studio: Studio) -> None:
    """To staging and to a new change alike; nothing of it is left on the server."""
    clone, before = studio.clone(), studio.head()
    told = bad(clone)
    for name, shown in told.items():
        for goal in ("staging", f"changes/{name}"):
            pushed = clone.push(f"{name}:refs/heads/{goal}")
            tip = clone.git("rev-parse", name)

            assert not pushed.ok, name
            assert "remote: This push was refused, and nothing of it was kept." in pushed.said
            for words in shown:
                assert words in pushed.said, f"{name}: {pushed.said}"
            assert unreachable(studio, tip)

    assert before == studio.head()
    assert {STAGING, PRODUCTION} == set(studio.repository.store.branches())
    assert [] == [*(studio.repository.store.path / "prompt-repo").glob("incoming-*")]
    assert [] == git_cli.fsck(studio.repository.store.path)


@pytest.mark.parametrize(
    ("ref", "shown"),
    [
        ("refs/heads/main", "no branch of this repository"),
        ("refs/heads/changes/UPPER", "no branch of this repository"),
        ("refs/heads/changes/a/b", "no branch of this repository"),
        ("refs/tags/production/2026-01-01.1", "tags are the server's"),
        ("refs/prompt-repo/mirror", "no branch of this repository"),
        ("refs/replace/0000000000000000000000000000000000000000", "no branch"),
        ("refs/heads/--upload-pack=touch", "no branch of this repository"),
    ],
)
def test_refs_that_are_not_theirs_are_refused(studio: Studio, ref: str, shown: str) -> None:
    """Whatever stands in them, and without a look at their objects."""
    clone = studio.clone(Scope.ADMIN)

    pushed = clone.push(f"HEAD:{ref}")

    assert not pushed.ok
    assert shown in pushed.said
    assert {STAGING, PRODUCTION} == set(studio.repository.store.branches())


def test_history_is_neither_rewritten_nor_deleted(studio: Studio) -> None:
    """Not by force, not by a delete, not on a change; and an orphan gets no branch."""
    clone = studio.clone(Scope.ADMIN)
    clone.git("push", "-q", "origin", "staging:changes/mine")
    clone.git("checkout", "-q", "--orphan", "lost")
    orphan = clone.commit({ANGRY: prompt("From nowhere.")})
    first = clone.git("rev-list", "--max-parents=0", "origin/staging")

    said = [
        clone.push("--force", f"{first}:refs/heads/staging").said,
        clone.push("--delete", "changes/mine").said,
        clone.push("--force", f"{orphan}:refs/heads/changes/mine").said,
        clone.push(f"{orphan}:refs/heads/changes/lost").said,
    ]

    assert "not a fast-forward" in said[0]
    assert "branches are not deleted" in said[1]
    assert "not a fast-forward" in said[2]
    assert "shares no history with staging" in said[3]
    assert studio.head() == studio.head("changes/mine")


def test_who_was_too_slow_fetches_first(studio: Studio) -> None:
    """An edit in between is never overwritten; after a rebase the push lands."""
    clone = studio.clone()
    clone.commit({ANGRY: prompt("Pushed.")})
    put(studio.repository, {"bolt/idle": "Saved meanwhile."})

    early = clone.push("staging")
    clone.git("pull", "-q", "--rebase")
    late = clone.push("staging")

    assert (False, True) == (early.ok, late.ok)
    assert ("Pushed.", "Saved meanwhile.") == (studio.text(), studio.text("bolt/idle"))


def test_one_bad_ref_refuses_the_whole_push(studio: Studio) -> None:
    """A push is one thing: all of its refs move, or none."""
    clone, before = studio.clone(), studio.head()
    good = clone.commit({ANGRY: prompt("Good.")})
    clone.commit({ANGRY: "prompt: 3\n"})

    pushed = clone.push(f"{good}:refs/heads/staging", "HEAD:refs/heads/changes/bad")

    assert not pushed.ok
    assert "another ref of this push was refused" in pushed.said
    assert (before, None) == (studio.head(), studio.head("changes/bad"))


@pytest.mark.parametrize(
    ("scopes", "environments", "clones", "pushes", "shown"),
    [
        ((Scope.READ,), (), True, False, "this token only reads"),
        ((Scope.READ,), ("staging",), False, False, "this token is for staging"),
        ((Scope.WRITE,), ("staging",), False, True, ""),
        ((Scope.WRITE,), ("production",), False, False, "this token is not for staging"),
        ((Scope.PROMOTE,), (), True, False, "this needs the right to write"),
        ((Scope.WRITE,), (), True, True, ""),
    ],
)
def test_a_token_does_what_its_scopes_say(
    studio: Studio,
    scopes: tuple[Scope, ...],
    environments: tuple[str, ...],
    clones: bool,
    pushes: bool,
    shown: str,
) -> None:
    """A clone needs all environments; a push to staging the right to write there."""
    where = studio.address(*scopes, environments=environments)
    clone = studio.clone(Scope.READ)
    clone.commit({ANGRY: prompt("By token.")})

    cloned = git(studio.folder, "clone", "-q", where, "other")
    pushed = clone.run("push", where, "staging")

    assert (clones, pushes) == (cloned.ok, pushed.ok), cloned.said + pushed.said
    assert shown in cloned.said + pushed.said


def test_without_a_good_token_nothing_is_told(studio: Studio) -> None:
    """401 with a challenge git understands; a session doesn't count; guesses are bounded."""
    client = studio.app.test_client()
    url = "/git/prompts.git/info/refs?service=git-upload-pack"

    silent = client.get(url)
    guesses = [client.get(url, auth=("x", "pr_guess")).status_code for _ in range(7)]
    right = client.get(url, auth=("x", secret(studio.app, Scope.READ)))

    assert (401, 'Basic realm="prompt-repo"') == (
        silent.status_code,
        silent.headers["WWW-Authenticate"],
    )
    assert [401] * 5 + [429] * 2 == guesses
    assert (429, True) == (right.status_code, "Retry-After" in right.headers)


def test_a_token_may_stand_where_ci_puts_it(studio: Studio) -> None:
    """As the password, as the user name, or as a bearer."""
    client, token = studio.app.test_client(), secret(studio.app, Scope.READ)
    url = "/git/prompts.git/info/refs?service=git-upload-pack"

    got = [
        client.get(url, auth=("x", token)),
        client.get(url, auth=(token, "")),
        client.get(url, headers={"Authorization": f"Bearer {token}"}),
    ]

    assert [200, 200, 200] == [answer.status_code for answer in got]


def test_a_request_may_be_gzipped_and_a_bomb_is_not(studio: Studio) -> None:
    """Git zips long wants; what unpacks to more than it may is refused."""
    client, token = studio.app.test_client(), secret(studio.app, Scope.READ)
    wants = packet("command=ls-refs\n") + b"0001" + packet("ref-prefix refs/heads/\n") + b"0000"

    def ask(raw: bytes) -> tuple[int, bytes]:
        answer = client.post(
            "/git/prompts.git/git-upload-pack",
            data=gzip.compress(raw),
            auth=("x", token),
            headers={"Content-Encoding": "gzip", "Git-Protocol": "version=2"},
        )
        return answer.status_code, answer.data

    assert b"refs/heads/staging" in ask(wants)[1]
    assert 413 == ask(b"0" * 40_000_000)[0]


@pytest.mark.parametrize(
    "body",
    [
        b"zzzz",
        b"0003",
        b"ffff",
        b"0010too short",
        packet("nonsense"),
        packet(f"{'0' * 40} {'1' * 40} refs/heads/staging\0push-options") + b"0000",
        packet(f"{'0' * 40} {'1' * 40} refs/heads/staging\0 x") * 2 + b"0000",
    ],
)
def test_a_push_that_makes_no_sense_is_400(studio: Studio, body: bytes) -> None:
    """In words, and nothing happens."""
    answer = studio.app.test_client().post(
        "/git/prompts.git/git-receive-pack",
        data=body,
        auth=("x", secret(studio.app, Scope.WRITE)),
    )

    assert (400, "text/plain") == (answer.status_code, answer.mimetype)
    assert "this push can't be taken" in answer.text


def test_a_pack_that_is_broken_or_incomplete_is_refused(studio: Studio) -> None:
    """Cut off, or naming what nobody has: git's check of what is reachable says so."""
    clone, head = studio.clone(), studio.head()
    new = clone.commit({ANGRY: prompt("Cut.")})
    lines = f"{new}\n^{head}\n"
    pack = git_cli.completed(
        clone.folder / ".git", ["pack-objects", "--revs", "--stdout", "-q"], lines.encode()
    ).stdout
    order = packet(f"{head} {new} refs/heads/staging\0report-status") + b"0000"
    only = git_cli.completed(
        clone.folder / ".git", ["pack-objects", "--stdout", "-q"], f"{new}\n".encode()
    ).stdout

    def send(pack: bytes) -> str:
        return (
            studio.app.test_client()
            .post(
                "/git/prompts.git/git-receive-pack",
                data=order + pack,
                auth=("x", secret(studio.app, Scope.WRITE)),
            )
            .text
        )

    assert "unpack failed" in send(pack[:-30])
    assert "unpack failed" in send(b"PACK" + b"\0" * 40)
    assert "unpack failed" in send(only)
    assert head == studio.head()
    assert "ok refs/heads/staging" in send(pack)


def test_pushes_and_edits_at_once_lose_nothing(studio: Studio) -> None:
    """Clients that push and rebase, beside people who save: every text is there at the end."""
    wrong: list[str] = []

    def pushes(who: int) -> None:
        clone = studio.clone(name=f"pusher{who}")
        for turn in range(4):
            clone.commit(
                {f"characters/bolt/{('idle', 'happy')[who]}.yaml": prompt(f"{who} {turn}")}
            )
            for _ in range(40):
                if clone.push("staging").ok:
                    break
                clone.git("pull", "-q", "--rebase")
            else:
                wrong.append(f"{who} never got through")

    def saves() -> None:
        for turn in range(12):
            save(studio.repository, STAGING, [Edit(key("aria/happy"), f"saved {turn}")], KIM, "")

    threads = [threading.Thread(target=pushes, args=(who,)) for who in (0, 1)]
    threads.append(threading.Thread(target=saves))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [
        studio.repository.current(STAGING).stored(key(name)).held.number
        for name in ("bolt/idle", "bolt/happy", "aria/happy")
    ]

    assert [] == wrong
    assert [4, 4, 12] == numbers
    assert [] == git_cli.fsck(studio.repository.store.path)


def promoter(studio: Studio) -> Clone:
    """A clone on production whose token may promote."""
    clone = studio.clone(Scope.PROMOTE, Scope.WRITE)
    clone.git("checkout", "-q", "production")
    return clone


def test_ci_promotes_everything_by_a_merge(studio: Studio) -> None:
    """Plain `git merge` and `git push`; the server gives it its tag."""
    put(studio.repository, {"aria/angry": "Shouts.", "bolt/idle": "Hums."})
    clone = promoter(studio)
    clone.git("merge", "-q", "--no-ff", "-m", "Release", "origin/staging")

    pushed = clone.push("production")

    assert pushed.ok, pushed.said
    assert ("Shouts.", "Hums.") == (
        studio.text(branch=PRODUCTION),
        studio.text("bolt/idle", PRODUCTION),
    )
    assert 2 == len(studio.repository.store.tags())
    assert studio.head(PRODUCTION) in studio.repository.store.tags().values()


def test_ci_promotes_some_by_a_trailer(studio: Studio) -> None:
    """A plain commit that names the commit of staging it took its paths from."""
    source = put(studio.repository, {"aria/angry": "Shouts.", "bolt/idle": "Hums."})
    clone = promoter(studio)
    clone.git("checkout", "origin/staging", "--", ANGRY)
    clone.git("commit", "-q", "-m", f"Only this\n\nPromoted-From: {source}")

    pushed = clone.push("production")

    assert pushed.ok, pushed.said
    assert ("Shouts.", None) == (
        studio.text(branch=PRODUCTION),
        studio.text("bolt/idle", PRODUCTION),
    )


def test_staging_and_production_go_in_one_push(studio: Studio) -> None:
    """What production takes may come to staging in that very push."""
    clone = studio.clone(Scope.PROMOTE, Scope.WRITE)
    clone.commit({ANGRY: prompt("Both.")})
    clone.git("checkout", "-q", "production")
    clone.git("merge", "-q", "--no-ff", "-m", "Release", "staging")

    pushed = clone.push("production", "staging")

    assert pushed.ok, pushed.said
    assert ("Both.", "Both.") == (studio.text(), studio.text(branch=PRODUCTION))


def test_production_takes_only_what_staging_holds(studio: Studio) -> None:
    """No edit of its own, none hidden in a merge, nothing of a change, no roll-back, no detour."""
    source = put(studio.repository, {"aria/angry": "Shouts."})
    clone = promoter(studio)
    start = clone.git("rev-parse", "HEAD")
    clone.commit({ANGRY: prompt("Straight in.")})
    plain = clone.push("production").said
    clone.git("reset", "-q", "--hard", start)
    clone.commit({ANGRY: prompt("Not that.")}, f"x\n\nPromoted-From: {source}")
    lied = clone.push("production").said
    clone.git("reset", "-q", "--hard", start)
    clone.git("merge", "-q", "--no-ff", "--no-commit", "origin/staging")
    clone.commit({ANGRY: prompt("Hidden.")}, "Merge")
    hidden = clone.push("production").said
    clone.git("reset", "-q", "--hard", start)
    clone.git("checkout", "-q", "-b", "side", "origin/staging")
    clone.commit({ANGRY: prompt("Unreviewed.")})
    clone.git("checkout", "-q", "production")
    clone.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    unreviewed = clone.push("production").said
    clone.git("reset", "-q", "--hard", start)
    clone.commit({ANGRY: None}, f"x\n\nRolled-Back-To: {start}")
    back = clone.push("production").said
    clone.git("checkout", "-q", "-B", "detour", "origin/staging")
    clone.git("merge", "-q", "--no-ff", "-m", "Wrong way", "origin/production")
    clone.git("commit", "-q", "--allow-empty", "-m", "More")
    detour = clone.push("detour:production").said

    assert "neither merges staging nor names a commit of it" in plain
    assert f"{ANGRY}: is not what it is at {source[:9]}" in lied
    assert f"{ANGRY}: is not what it is at {source[:9]}" in hidden
    assert "which staging does not hold" in unreviewed
    assert "'Rolled-Back-To', which is the server's to write" in back
    assert "production's own commits must stay its first parents" in detour
    assert start == studio.head(PRODUCTION)


def test_production_needs_the_right_to_promote(studio: Studio) -> None:
    """Writing is not enough."""
    put(studio.repository, {"aria/angry": "Shouts."})
    clone = studio.clone(Scope.WRITE)
    clone.git("checkout", "-q", "production")
    clone.git("merge", "-q", "--no-ff", "-m", "Release", "origin/staging")

    pushed = clone.push("production")

    assert not pushed.ok
    assert "production: this needs the right to promote" in pushed.said


def test_a_trailer_in_another_spelling_is_not_passed_over(studio: Studio) -> None:
    """Versions count by it in any spelling; unchecked it could name a change nobody reviewed."""
    put(studio.repository, {"aria/angry": "Shouts."})
    clone = promoter(studio)
    named = clone.git("rev-parse", "HEAD")
    words = f"Release\n\npromoted-from: {named}"
    clone.git("merge", "-q", "--no-ff", "-m", words, "origin/staging")

    pushed = clone.push("production")

    assert not pushed.ok
    assert "carries the trailer 'promoted-from'; write it 'Promoted-From'" in pushed.said


def test_what_is_held_back_goes_only_when_it_is_named(studio: Studio) -> None:
    """By `Promotes-Held-Back`, as the refusal says; from then on it is held back no more."""
    put(studio.repository, {"aria/angry": "Too loud."})
    done = promote(studio.repository, Order(), SAM, "Second")
    roll_back(studio.repository, done.commit.oid, SAM, "Too loud")
    clone = promoter(studio)
    source = clone.git("rev-parse", "origin/staging")
    clone.git("checkout", "origin/staging", "--", ANGRY)
    clone.git("commit", "-q", "-m", f"Again\n\nPromoted-From: {source}")

    refused = clone.push("production")
    words = f"Again\n\nPromoted-From: {source}\nPromotes-Held-Back: {ANGRY}"
    clone.git("commit", "-q", "--amend", "-m", words)
    taken = clone.push("production")

    assert f"`Promotes-Held-Back: {ANGRY}`" in refused.said
    assert taken.ok, taken.said
    assert "Too loud." == studio.text(branch=PRODUCTION)


def test_production_is_never_merged_into_staging(studio: Studio) -> None:
    """What was promoted or rolled back there stays there."""
    source = put(studio.repository, {"aria/angry": "Too loud."})
    promote(studio.repository, Order([ANGRY]), SAM, "Second")
    clone = studio.clone()
    clone.commit({"characters/bolt/idle.yaml": prompt("Hums.")})
    clone.git("merge", "-q", "--no-ff", "-m", "Sync", "origin/production")

    pushed = clone.push("staging")

    assert not pushed.ok
    assert "don't merge production into staging" in pushed.said
    assert source == studio.head()


def test_a_pack_that_is_too_large_is_refused_in_words(tmp_path: Path) -> None:
    """The setting bounds what one push may bring."""
    studio = Studio(tmp_path, max_push_bytes=2_000_000)
    with served(studio.app) as studio.url:
        clone = studio.clone()
        import random

        random.seed(1)
        noise = "".join(
            random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(4_000_000)
        )
        clone.commit({ANGRY: prompt(noise)})
        pushed = clone.push("staging")

    assert not pushed.ok
    assert "maximum allowed size" in pushed.said


def packed(clone: Clone, new: str, without: str) -> bytes:
    """The pack of a push, whatever it holds."""
    return git_cli.completed(
        clone.folder / ".git",
        ["pack-objects", "--revs", "--stdout", "-q"],
        f"{new}\n^{without}\n".encode(),
    ).stdout


def send(
    studio: Studio,
    *orders: tuple[str, str | None, str | None],
    pack: bytes = b"",
    speaks: str = "",
) -> str:
    """A push written by hand; gives the report."""
    nowhere = "0" * 40
    lines = [
        packet(
            f"{old or nowhere} {new or nowhere} {ref}"
            + (f"\0report-status {speaks}" if not place else "")
        )
        for place, (ref, old, new) in enumerate(orders)
    ]
    answer = studio.app.test_client().post(
        "/git/prompts.git/git-receive-pack",
        data=b"".join(lines) + b"0000" + pack,
        auth=("x", secret(studio.app, Scope.ADMIN)),
    )
    return answer.text


def test_a_branch_names_a_commit(studio: Studio) -> None:
    """Neither a tag object, nor a tree, nor what nobody has."""
    clone, head = studio.clone(), studio.head()
    clone.git("tag", "-a", "-m", "x", "mine")
    tag, tree = clone.git("rev-parse", "mine"), clone.git("rev-parse", "HEAD^{tree}")
    pack = packed(clone, tag, str(head))

    told = [
        send(studio, ("refs/heads/changes/x", None, oid), pack=pack)
        for oid in (tag, tree, "1" * 40)
    ]

    assert ["it would point to no commit" in each for each in told] == [True] * 3
    assert None is studio.head("changes/x")


def test_a_tree_as_deep_as_a_well_is_not_descended_into(studio: Studio) -> None:
    """It is told as the folder where it begins."""
    clone, head = studio.clone(), studio.head()
    made = ""
    oid = clone.git("hash-object", "-w", str(clone.folder / ANGRY))
    line = f"100644 blob {oid}\tangry.yaml\n"
    for _ in range(1200):
        done = git_cli.completed(clone.folder / ".git", ["mktree"], line.encode())
        made = done.stdout.decode().strip()
        line = f"040000 tree {made}\tcharacters\n"
    new = clone.git("commit-tree", "-p", str(head), "-m", "Deep", made)

    order = ("refs/heads/staging", head, new)
    told = send(studio, order, pack=packed(clone, new, str(head)), speaks="side-band-64k")

    assert "ng refs/heads/staging commit" in told
    assert "characters/characters/characters/: is a folder where only documents" in told
    assert head == studio.head()


def test_a_broken_object_is_refused_by_git_s_own_check(studio: Studio) -> None:
    """As `git fsck --strict` would find it: a commit without an author here."""
    clone, head = studio.clone(), studio.head()
    tree = clone.git("rev-parse", "HEAD^{tree}")
    raw = f"tree {tree}\nparent {head}\nauthor nobody\ncommitter nobody\n\nx\n"
    where = clone.folder / ".git"
    new = (
        git_cli.completed(
            where, ["hash-object", "-t", "commit", "--literally", "-w", "--stdin"], raw.encode()
        )
        .stdout.decode()
        .strip()
    )
    pack = git_cli.completed(where, ["pack-objects", "--stdout", "-q"], f"{new}\n".encode()).stdout

    told = send(studio, ("refs/heads/staging", head, new), pack=pack)

    assert "unpack failed" in told
    assert unreachable(studio, new)


def test_too_many_refs_at_once_are_refused(studio: Studio) -> None:
    """A push moves two hundred at most."""
    head = studio.head()
    orders = [(f"refs/heads/changes/c{number}", None, head) for number in range(300)]

    assert "a push moves at most 200 refs" in send(studio, *orders)
    assert {STAGING, PRODUCTION} == set(studio.repository.store.branches())


def test_words_from_outside_do_nothing_to_a_terminal(studio: Studio) -> None:
    """A path with an escape sequence is shown, not obeyed."""
    clone = studio.clone()
    clone.commit({"characters/aria/\x1b[31mred.yaml": prompt("x")})

    pushed = clone.push("staging")

    assert not pushed.ok
    assert "\\x1b[31mred.yaml" in pushed.said
    assert "\x1b[31m" not in pushed.said


def test_what_a_dead_process_left_goes_after_a_day(studio: Studio) -> None:
    """At the next push; what is younger may be somebody's who still uploads."""
    own = studio.repository.store.path / "prompt-repo"
    for name, age in (("incoming-old", 2), ("incoming-new", 0)):
        (own / name).mkdir()
        at = (own / name).stat().st_mtime - age * 86_400
        os.utime(own / name, (at, at))
    clone = studio.clone()
    clone.commit({ANGRY: prompt("Next.")})

    assert clone.push("staging").ok
    assert ["incoming-new"] == [each.name for each in own.glob("incoming-*")]


def test_clones_and_fetches_are_in_the_audit_log(studio: Studio) -> None:
    """Who took what away; a look at the refs that finds nothing new is left out."""
    clone = studio.clone(Scope.READ)
    clone.git("fetch", "-q")
    moved = put(studio.repository, {"bolt/idle": "Hums."})
    clone.git("fetch", "-q")

    with services(studio.app).records.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "git_http.upload_pack")
        cloned, fetched = session.scalars(query.order_by(AuditEntry.id)).all()
    assert ("clone", "fetch") == (cloned.subject, fetched.subject)
    assert moved == fetched.commit
    assert cloned.actor.startswith("token:")
    assert ("127.0.0.1", "done") == (cloned.address, cloned.outcome)
