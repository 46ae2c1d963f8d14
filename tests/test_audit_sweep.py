"""Every kind of entry there is, each really made: who, when, from where, what, before and after."""

import platform
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import select

from tests.audited import Deeds
from tests.factories import make_repository
from tests.staging_world import staging_world
from tests.web import make_app, person, services
from webapp import mirror
from webapp.access import SAFE, Role
from webapp.audit_words import WORDS
from webapp.records.models import AuditEntry

OID = re.compile("[0-9a-f]{40}")
REQUEST = re.compile("[0-9a-f]{16}")
Told = Callable[[AuditEntry], bool]


def files(entry: AuditEntry) -> bool:
    """Each file by its blob before and after; none is there before it is made."""
    each = entry.detail.get("changes") or [{"path": entry.path, **entry.detail}]
    return all(
        one["path"] and {one["before"], one["after"]} != {None} and "before" in one for one in each
    )


def both(entry: AuditEntry) -> bool:
    """What it was, and what it is."""
    told = entry.detail
    return "before" in told and bool(told["after"]) and told["before"] != told["after"]


def made(entry: AuditEntry) -> bool:
    """What was made: nothing was before."""
    return bool(entry.detail["after"])


def changed(entry: AuditEntry) -> bool:
    """Each setting that changed, before and after."""
    return all(len(pair) == 2 for pair in entry.detail["changed"].values())


def moves(entry: AuditEntry) -> bool:
    """Each branch that moved, from where to where."""
    return all(
        OID.fullmatch(one["old"]) and OID.fullmatch(one["new"]) for one in entry.detail["moves"]
    )


def names(*facts: str) -> Told:
    """Nothing was before it, and it changes nothing: what it was about."""
    return lambda entry: all(entry.detail.get(name) not in (None, "") for name in facts)


def nothing(entry: AuditEntry) -> bool:
    """What there would be to tell of it is a secret, or who and when is all."""
    return not {"before", "after"} & entry.detail.keys()


WRITES: Mapping[str, Told] = dict.fromkeys(
    (
        "prompts.edit", "prompts.take_away", "prompts.restore", "history.go_back",
        "api.set_prompt", "api.remove_prompt", "api.restore_prompt", "api.revert_prompt",
        "api.default_set_prompt", "api.default_remove_prompt", "api.default_restore_prompt",
        "api.default_revert_prompt", "api.bulk", "api.bulk_undo", "bulk.apply", "bulk.undo",
        "api.create_character", "api.change_character", "api.archive_character",
        "characters.create", "characters.change", "characters.archive",
        "change_proposing.propose", "document_proposing.propose_removal",
        "document_proposing.propose_settings", "change_editing.save", "change_editing.decide",
        "changes.update", "changes.merge", "api.propose", "api.add_to_change",
        "api.update_change", "api.merge_change", "promotion.carry_out", "releases.roll_back",
        "api.promote", "api.roll_back", "imports.undo", "git.commit",
        "import", "promote", "rollback",
    ),
    files,
)  # fmt: skip
"""Those that write a commit."""
OF_COMMITS: Mapping[str, Told] = {
    "api.review": both,
    "changes.close": both,
    "changes.reopen": both,
    "api.close_change": both,
    "api.reopen_change": both,
    "api.comment": names("comment"),
    "transfers.export": names("environment", "form", "export", "sources"),
    "api.export_prompts": names("environment", "form", "export", "sources"),
    "api.export": names("environment"),
    "preview": names("preview", "environment"),
    "preview_of.test": names("preview", "service", "origin"),
    "clips.make_pair": names("preview", "service", "origin"),
    "clips.make_wall": names("preview", "service", "origin"),
    "change_clips.make": names("preview", "service", "origin"),
    "previews.again": names("preview", "service", "origin"),
    "api.test_prompt": names("preview", "service", "origin"),
    "api.default_test_prompt": names("preview", "service", "origin"),
    "git.push": moves,
    "git_http.upload_pack": names("wants"),
}
"""Those that are about a commit, and write none."""
OTHERS: Mapping[str, Told] = {
    "changes.say_on_line": names("comment", "on", "line"),
    "changes.settle": both,
    "api.settle": both,
    "export": names("asked"),
    "export.downloaded": names("export"),
    "imports.upload": names("environment", "import_id"),
    "imports.keep": both,
    "imports.cancel": both,
    "transfers.cancel": both,
    "api.cancel_import": both,
    "api.cancel_export": both,
    "previews.cancel": both,
    "api.cancel_preview": both,
    "preview cleanup": lambda entry: entry.detail["count"] == 0,
    "sync": both,
    "sync run": names("run", "source"),
    "syncs.start": names("rules"),
    "api.start_sync": names("rules"),
    "syncs.cancel": both,
    "api.cancel_sync": both,
    "syncs.resume": both,
    "api.resume_sync": both,
    "syncs.decide": names("decided", "action", "scope"),
    "api.resolve_conflicts": names("decided", "action"),
    "staging.configure": changed,
    "api.change_staging_config": changed,
    "staging.unlock": changed,
    "rules.choose": both,
    "rules.draft": both,
    "rules.write": both,
    "rules.restore": both,
    "mapping.look_up": names("which", "value", "reason", "found"),
    "log-in": nothing,
    "log-out": nothing,
    "password": nothing,
    "accounts.create": made,
    "accounts.set_role": both,
    "accounts.describe": both,
    "accounts.set_disabled": both,
    "accounts.reset_password": made,
    "user add": made,
    "user passwd": nothing,
    "user role": both,
    "user disable": both,
    "user enable": both,
    "token_pages.create": made,
    "token_pages.revoke": both,
    "token create": made,
    "token revoke": both,
    "webhook_pages.create": made,
    "webhook_pages.change": both,
    "webhook_pages.ping": names("webhook"),
    "webhook_pages.send_again": names("webhook", "delivery"),
    "job_pages.again": both,
    "job_pages.forget": both,
    "job_pages.stop": both,
    "audit.anchor": lambda entry: "before" in entry.detail,
    "audit.catch-up": names("heads"),
    "audit_pages.export": names("form"),
}
SOMETIMES: Mapping[str, Told] = {
    "changes.say": lambda entry: (
        both(entry) if "verdict" in entry.detail else names("comment")(entry)
    ),
    "imports.decide": lambda entry: entry.detail.get("queued") or files(entry),
    "imports.worker": lambda entry: not entry.commit or files(entry),
    "api.import_prompts": lambda entry: not entry.commit or files(entry),
}
"""Those that only sometimes write, or are about, a commit."""
TOLD = {**WRITES, **OF_COMMITS, **OTHERS, **SOMETIMES}
ELSEWHERE = {
    "settings": "tests/test_audit_entries.py",
    "audit.seal": "tests/test_audit_chain.py",
    "mirror.now": "test_a_round_with_the_mirror",
    "git_http.refs": "a refusal alone: tests/test_git_http.py",
    "git_http.receive_pack": "told as git.push",
    "audit_pages.anchor": "told as audit.anchor",
}
NEVER = {
    "appearance.choose": "a theme",
    "previews.seen": "whether a note was read",
    "bulk.choose": "a form", "bulk.plan": "a look", "api.bulk_plan": "a look",
    "promotion.plan": "a look", "prompts.preview": "a look",
    "mirror.webhook": "only wakes; what comes of it is told as git.push",
    "auth.check_password": "told as log-in", "auth.log_out": "told as log-out",
    "auth.change_password": "told as password",
}  # fmt: skip
"""What no entry is made of, and why."""


@pytest.fixture(scope="module")
def trail(
    tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> Mapping[str, Sequence[AuditEntry]]:
    """All entries of everything there is to do, by their actions."""
    folder = tmp_path_factory.mktemp("audited")
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    with staging_world(folder, redis_server, sync_mapping="tags") as world:
        Deeds(world, folder).all()
        with world.here.records.reading() as session:
            entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    found: dict[str, list[AuditEntry]] = {}
    for each in entries:
        found.setdefault(each.action, []).append(each)
    return found


@pytest.mark.parametrize("action", sorted(TOLD))
def test_an_entry_says_all_of_it(trail: Mapping[str, Sequence[AuditEntry]], action: str) -> None:
    """Who, when, from where, in which request, what, its outcome, before and after, the commit."""
    assert trail.get(action), f"nothing of {action}"
    for entry in trail[action]:
        itself = entry.actor == "upkeep"
        here = entry.actor == "command line"

        assert itself or here or entry.actor.startswith(("person:", "token:")) or refused(entry)
        assert entry.at is not None
        assert entry.address == (
            platform.node() if itself else entry.address if here else "127.0.0.1"
        )
        assert entry.address.endswith(f"@{platform.node()}") or not here
        assert REQUEST.fullmatch(entry.request_id) or (itself and not entry.request_id)
        assert entry.subject
        assert entry.outcome == ("refused" if refused(entry) else "done")
        assert TOLD[action](entry), entry.detail
        if action not in SOMETIMES:
            assert bool(OID.fullmatch(entry.commit)) is (action in WRITES or action in OF_COMMITS)


def refused(entry: AuditEntry) -> bool:
    """The one log-in that was no good."""
    return entry.action == "log-in" and entry.actor == "nobody"


def test_refused_access_is_entered(trail: Mapping[str, Sequence[AuditEntry]]) -> None:
    """Who tried, what, from where, and why it was refused."""
    (entry,) = trail["accounts.index"]

    assert ("person:win", "/people", "refused", 403) == (
        entry.actor, entry.subject, entry.outcome, entry.status,
    )  # fmt: skip
    assert ("127.0.0.1", "GET") == (entry.address, entry.detail["method"])
    assert "the right to admin" in entry.detail["why"]
    assert REQUEST.fullmatch(entry.request_id)


def test_what_a_worker_did_names_the_request_that_asked(
    trail: Mapping[str, Sequence[AuditEntry]],
) -> None:
    """So that both are found by one id."""
    asked = {
        "preview": ("preview_of.test", "change_clips.make"),
        "sync": ("syncs.start", "syncs.resume", "api.start_sync", "api.resume_sync"),
        "imports.worker": ("imports.upload", "imports.decide"),
    }
    for ended, began in asked.items():
        requests = {each.request_id for action in began for each in trail[action]}
        assert {each.request_id for each in trail[ended]} <= requests


def test_no_entry_holds_a_secret(trail: Mapping[str, Sequence[AuditEntry]]) -> None:
    """No password, no token."""
    said = " ".join(str(e.detail) + e.subject for each in trail.values() for e in each)

    for secret in ("not the password", "another-Password-1", "a-long-Password", "prompt_"):
        assert secret not in said


def test_nothing_that_changes_anything_is_missing_here(tmp_path: Path) -> None:
    """Each request that may change something, and each name that the log has for something."""
    make_repository(tmp_path, ("aria",))
    known = {action for each in WORDS.values() for action in each}

    assert writing(make_app(tmp_path)) <= TOLD.keys() | ELSEWHERE.keys() | NEVER.keys()
    assert known - TOLD.keys() - ELSEWHERE.keys() - NEVER.keys() == {"api.audit"}
    assert known >= TOLD.keys()


def writing(app: Flask) -> set[str]:
    """The endpoints of all that isn't only read."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - set(SAFE) - {"OPTIONS"}
    }


def test_a_round_with_the_mirror(tmp_path: Path) -> None:
    """Whoever asks for one is entered; here it can't be reached."""
    make_repository(tmp_path, ("aria",))
    app = make_app(tmp_path, mirror_url=f"file://{tmp_path}/nowhere.git")
    person(app, Role.ADMIN, "ada").post("/repository/mirror")
    app.extensions[mirror.EXTENSION].stop()

    with services(app).records.reading() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "mirror.now"))
    assert ("person:ada", "mirror", "done") == (entry.actor, entry.subject, entry.outcome)


def test_what_was_not_done_is_not_called_done(trail: Mapping[str, Any]) -> None:
    """TOLD holds nothing that failed: every entry of it says `done`."""
    assert {"done"} == {
        each.outcome for action in TOLD for each in trail[action] if not refused(each)
    }
