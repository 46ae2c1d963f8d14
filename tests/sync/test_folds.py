"""Emails that differ only by case or blanks get one fake, which a unique index takes once."""

import pytest

from sync.errors import Unsupported
from tests.sync.databases import ask, carry_out, sync
from tests.sync.test_running import RULES, TABLES, Pair, pair

__all__ = ["pair"]

SPELLED = "UPDATE users SET email = 'ADA@old.test' WHERE id = 2"
MENDED = "UPDATE users SET email = 'alan@old.test' WHERE id = 2"
HOW = [{}, {"by_columns": False}, {"processes": 2}, {"dry_run": True}]


@pytest.mark.parametrize("how", HOW, ids=lambda how: next(iter(how), "as usual"))
@pytest.mark.parametrize("staging", [TABLES, ""], ids=["tables there", "nothing there"])
def test_emails_that_fold_into_one_are_refused(
    pair: Pair, staging: str, how: dict[str, bool]
) -> None:
    """Before a row of them is written; once they are told apart the same run goes on."""
    carry_out(pair[1], staging)
    carry_out(pair[0], SPELLED)

    with pytest.raises(Unsupported, match=r"users.email is unique .* only by case or blanks"):
        sync(*pair, RULES, **how)

    there = ask(pair[1], "SELECT count(*) FROM users") if staging else [(0,)]
    carry_out(pair[0], MENDED)
    result = sync(*pair, RULES, **how)
    assert ([(0,)], 6) == (there, result.total.written)
