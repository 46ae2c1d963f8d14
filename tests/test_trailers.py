"""Trailers of commit messages, beside what git itself finds there."""

from pathlib import Path

import pytest

from prompt_repo import git_cli
from prompt_repo.errors import InvalidReason
from prompt_repo.reasons import check_reason
from prompt_repo.trailers import forged, split_trailers, with_trailers

SOMEWHERE = "1" * 40
MESSAGES = (
    "Softer",
    "Softer\n\nBecause.",
    f"Softer\n\nPromoted-From: {SOMEWHERE}",
    f"Softer\n\nBecause.\n\nSee: 12\npromoted-from: {SOMEWHERE}",
    f"Softer\n\nSee: 12\u2028Promoted-From: {SOMEWHERE}",
    f"Softer\n\nSee: 12\x0bPromoted-From: {SOMEWHERE}",
    f"Softer\n\nSee: 12\x85Promoted-From: {SOMEWHERE}",
)


@pytest.mark.parametrize("message", MESSAGES)
def test_trailers_are_the_lines_that_git_takes_for_them(tmp_path: Path, message: str) -> None:
    """A line ends at a line feed alone, so that nothing hides behind another line's end."""
    told = git_cli.completed(tmp_path, ["interpret-trailers", "--parse"], message.encode())

    found = [f"{key}: {value}" for key, value in split_trailers(message)[1]]

    assert told.stdout.decode() == "".join(f"{line}\n" for line in found)


def test_those_of_the_server_are_told_apart_however_they_are_written() -> None:
    """In the message of a push as in a typed reason."""
    message = with_trailers("Softer", [("See", "12"), ("PROMOTED-from", SOMEWHERE)])

    assert forged(split_trailers(message)[1]) == "PROMOTED-from"
    assert forged([("See", "12")]) == ""
    with pytest.raises(InvalidReason, match="PROMOTED-from"):
        check_reason(message)
