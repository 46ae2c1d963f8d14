"""Another repository somewhere: what it has, fetched to be checked; what we have, pushed to it.

A password is told to git in its environment, for that one address: it is on no command line, in no
file, and in nothing that git prints.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from prompt_repo import git_cli
from prompt_repo.errors import GitFailed
from prompt_repo.git_commits import text_of
from prompt_repo.git_incoming import Incoming
from prompt_repo.git_store import GitStore
from prompt_repo.layout import is_branch

UPSTREAM = "refs/upstream/"
PROTOCOLS = "http:https:ssh:git:file"
SECONDS = 240.0  # for one fetch or push
MEMORY = 1024 * 1024 * 1024
SLOW = (
    "-c",
    "http.lowSpeedLimit=100",
    "-c",
    "http.lowSpeedTime=60",
    "-c",
    "fetch.fsckObjects=true",
)
REPORT = re.compile(r"([ +\-*!=])\t[^\t]*:(refs/[^\t]+)\t(.*)")
HIDDEN = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True)
class Remote:
    """Where another repository is; `shown` is its address without what is secret."""

    url: str
    user: str = "git"
    secret: str = field(default="", repr=False)

    @classmethod
    def at(cls, url: str, user: str = "", secret: str = "") -> "Remote":
        """The repository at an address as people write it, a password in it or beside it."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return cls(url, user or "git", secret)
        place = parts.netloc.rpartition("@")[2]
        plain = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
        given = unquote(parts.username or "")
        return cls(plain, user or given or "git", secret or unquote(parts.password or ""))

    @property
    def shown(self) -> str:
        """The address, for people."""
        return without_secrets(self.url)

    def fetch(self, incoming: Incoming) -> dict[str, str]:
        """Its branches that we know, with their commits; their objects are in `incoming` then.

        Raises GitFailed, GitMissing.
        """
        goal = f"+refs/heads/*:{UPSTREAM}*"
        options = ["fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]
        done = git_cli.fed(
            incoming.folder,
            [*SLOW, *options, "--", self.url, goal],
            (),
            memory=MEMORY,
            seconds=SECONDS,
            more=self._environment(),
        )
        if done.returncode != 0:
            raise GitFailed("fetch", without_secrets(text_of(done.stderr)))
        listing = ["for-each-ref", "--format=%(objectname) %(refname)", UPSTREAM]
        rows = text_of(git_cli.completed(incoming.folder, listing).stdout).splitlines()
        found = {row[41:].removeprefix(UPSTREAM): row[:40] for row in rows}
        return {name: oid for name, oid in found.items() if is_branch(name)}

    def push(self, store: GitStore, refs: Sequence[str]) -> dict[str, str]:
        """Brings refs there, never by force; gives those it refused, with its words.

        Some servers take a push whole or not at all. Raises GitFailed where it can't be reached,
        GitMissing.
        """
        if not refs:
            return {}
        orders = [f"{ref}:{ref}" for ref in refs]
        done = git_cli.fed(
            store.path,
            [*SLOW, "push", "--porcelain", "--no-verify", "--", self.url, *orders],
            (),
            memory=MEMORY,
            seconds=SECONDS,
            more=self._environment(),
        )
        told = [REPORT.fullmatch(line) for line in text_of(done.stdout).splitlines()]
        refused = {row[2]: row[3] for row in told if row is not None and row[1] == "!"}
        if done.returncode != 0 and not refused:
            raise GitFailed("push", without_secrets(text_of(done.stderr)))
        return refused

    def _environment(self) -> Mapping[str, str]:
        more = {
            "GIT_ALLOW_PROTOCOL": PROTOCOLS,
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        }
        if self.secret:
            number = len(git_cli.SETTINGS)
            login = b64encode(f"{self.user}:{self.secret}".encode()).decode()
            more |= {
                "GIT_CONFIG_COUNT": str(number + 1),
                f"GIT_CONFIG_KEY_{number}": f"http.{self.url}.extraHeader",
                f"GIT_CONFIG_VALUE_{number}": f"Authorization: Basic {login}",
            }
        return more


def apart(incoming: Incoming, ours: str, theirs: str) -> tuple[int, int]:
    """How many commits only we have, and only they; raises GitFailed."""
    counting = ["rev-list", "--left-right", "--count", f"{ours}...{theirs}"]
    done = git_cli.completed(incoming.folder, counting)
    if done.returncode != 0:
        raise GitFailed("rev-list", text_of(done.stderr))
    left, right = done.stdout.split()
    return int(left), int(right)


def without_secrets(text: str) -> str:
    """A text in which no address says who logs in by what."""
    return HIDDEN.sub("//", text)
