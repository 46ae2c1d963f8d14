"""Anchors of the audit log in Git: which entry was the newest, and its hash, now and then."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prompt_repo import git_anchors
from prompt_repo.git_anchors import Anchor
from prompt_repo.mirroring import ANCHORS
from webapp import audit, audit_entries, audit_log
from webapp.audit_log import Link
from webapp.records import Records
from webapp.records.models import AuditSeal

REF = ANCHORS  # a mirror has it too
ANCHORED = "audit.anchor"
ACTOR = "upkeep"
NUMBER, HASH = re.compile(r"[0-9]{1,18}"), re.compile(r"[0-9a-f]{64}")
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Anchored:
    """What Git keeps of the log: an entry and its hash, and up to where the log was cut."""

    commit: str
    at: datetime
    entry: int
    hash: bytes
    sealed: int = 0
    sealed_hash: bytes = b""


def all_of(repository: Path) -> list[Anchored]:
    """The anchors of a repository, newest first; raises GitFailed, GitMissing."""
    return [each for each in map(_read, git_anchors.anchors(repository, REF)) if each is not None]


def newest(repository: Path) -> Anchored | None:
    """The newest anchor; None where there is none. Raises GitFailed, GitMissing."""
    found = git_anchors.newest(repository, REF)
    return _read(found) if found else None


def anchor(records: Records, repository: Path, actor: str = ACTOR) -> Link | None:
    """Sets the newest entry down in Git; None where that is there already.

    It waits for the disk first, so that Git never knows of an entry that a power cut took.
    Raises GitFailed, also where another process is anchoring at the same time, and GitMissing.
    """
    last = newest(repository)
    now = audit_log.head(records)
    if now.entry == 0 or (last and last.entry == now.entry):
        return None
    entry = audit.unasked(actor, ANCHORED, REF, "done", before=last.entry if last else 0)
    link = audit_entries.write(records, entry)
    seal = audit_log.last_seal(records)
    facts = {"Entry": str(link.entry), "Hash": link.hash.hex(), "At": entry.at.isoformat()}
    git_anchors.append(repository, REF, f"Audit log at entry {link.entry}", facts | _sealed(seal))
    return link


def _sealed(seal: AuditSeal | None) -> dict[str, str]:
    return {"Sealed": str(seal.through), "Sealed-Hash": seal.hash.hex()} if seal else {}


def _read(anchor: Anchor) -> Anchored | None:
    """What an anchor says; None for a commit that is none."""
    facts = anchor.facts
    entry, its_hash = facts.get("Entry", ""), facts.get("Hash", "")
    if not (NUMBER.fullmatch(entry) and HASH.fullmatch(its_hash)):
        return None
    sealed, sealed_hash = facts.get("Sealed", "0"), facts.get("Sealed-Hash", "")
    good = NUMBER.fullmatch(sealed) and HASH.fullmatch(sealed_hash)
    return Anchored(
        anchor.commit,
        _time(facts.get("At", "")),
        int(entry),
        bytes.fromhex(its_hash),
        int(sealed) if good else 0,
        bytes.fromhex(sealed_hash) if good else b"",
    )


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return NO_TIME
    return found if found.tzinfo else NO_TIME
