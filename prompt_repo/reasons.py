"""Why something was changed, in people's own words: what a commit message may hold."""

import re
from collections.abc import Mapping

from prompt_repo.errors import InvalidReason
from prompt_repo.trailers import SERVERS_LINE

REASON_LENGTH = 2_000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_reason(reason: str, longest: int = REASON_LENGTH) -> str:
    """The reason as it goes into the commit; raises InvalidReason."""
    words = reason.replace("\r\n", "\n").strip()
    if len(words) > longest:
        raise InvalidReason(f"it has {len(words):,} characters, {longest:,} are allowed")
    found = CONTROL.search(words)
    if found:
        raise InvalidReason(f"character {found.start() + 1} is U+{ord(found[0]):04X}")
    forged = SERVERS_LINE.search(words)
    if forged:
        raise InvalidReason(f"a line that begins with “{forged[0]}” is the server's to write")
    return words


def default_reason(changes: Mapping[str, bytes | None]) -> str:
    """What is said of an edit that nobody gave a reason for."""
    if len(changes) > 1:
        return f"Change {len(changes)} files"
    path, raw = next(iter(changes.items()))
    return f"{'Remove' if raw is None else 'Edit'} {path.removesuffix('.yaml')}"
