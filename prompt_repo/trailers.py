"""The last paragraph of a commit message: `Key: value` lines, and those that only we write."""

import re
from collections.abc import Iterable, Sequence

Trailers = Sequence[tuple[str, str]]

PROMOTED_FROM = "Promoted-From"
"""The commit of staging that a promotion of some prompts takes them from."""
PROMOTES_HELD_BACK = "Promotes-Held-Back"
"""A path that was rolled back, and goes all the same."""
ROLLED_BACK_TO = "Rolled-Back-To"
"""The commit of production whose prompts a roll-back puts back."""
HOTFIX_FROM = "Hotfix-From"
"""The commit of production whose prompts a commit brings to staging."""
CHANGE_REQUEST = "Change-Request"
"""The number of the change request that a commit merges."""
REVIEWED_BY = "Reviewed-by"
"""Somebody who approved of it."""

PARENTS = frozenset(each.lower() for each in (PROMOTED_FROM, ROLLED_BACK_TO, HOTFIX_FROM))
"""Those that name a commit which counts as one more parent of versions."""
SERVERS = PARENTS | {each.lower() for each in (PROMOTES_HELD_BACK, CHANGE_REQUEST, REVIEWED_BY)}
SERVERS_LINE = re.compile(rf"^({'|'.join(sorted(SERVERS))})\s*:", re.IGNORECASE | re.MULTILINE)
"""A line of a message that would be one of the server's."""


def split_trailers(message: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The message without its last paragraph of trailers, and those trailers as (key, value).

    A last paragraph counts where it is not the first, and every line is `Key: value` with a
    key that has no blank (Git's own rule is laxer; the server writes this form). A line ends
    where Git ends it, at a line feed and at nothing else.
    """
    if "\n\n" not in message:  # most have no more than a subject
        return message.strip(), ()
    body, _, last = message.rstrip().rpartition("\n\n")
    pairs = [line.partition(": ") for line in last.split("\n")]
    if not body or not all(sep and key.replace("-", "").isalnum() for key, sep, _ in pairs):
        return message.strip(), ()
    return body.strip(), tuple((key, value.strip()) for key, _, value in pairs)


def with_trailers(message: str, trailers: Trailers) -> str:
    """The message with a last paragraph of trailers, if there are any."""
    lines = "\n".join(f"{key}: {value}" for key, value in trailers)
    return f"{message}\n\n{lines}" if lines else message


def forged(trailers: Iterable[tuple[str, str]]) -> str:
    """The first trailer that only the server writes; empty where there is none."""
    return next((key for key, _ in trailers if key.lower() in SERVERS), "")
