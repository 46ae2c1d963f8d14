"""What a run's fakes and rows come of; only a run of the same goes on where one stopped."""

import hashlib
import json

from sync.anonymise import ALGORITHM, Fakes
from sync.model import Cell
from sync.options import Options
from sync.rules import Rules, dump

MAKES_FAKES = ("key", "pools", "algorithm")
FIRST = {"algorithm": "1"}
"""What stands in no manifest of releases before."""


def manifest_of(rules: Rules, fakes: Fakes, options: Options) -> dict[str, str]:
    """The rules, the key, what makes fakes with it, and what else a run can't change midway."""
    text = dump(rules) + json.dumps(sorted(options.tables))
    return {
        "rules": hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
        "key": fakes.key.fingerprint,
        "pools": fakes.pools.digest,
        "algorithm": str(ALGORITHM),
        "reset": str(options.reset),
    }


def noted(text: Cell) -> dict[str, str]:
    """A manifest as a run has noted it."""
    return FIRST | dict(json.loads(str(text)))


def differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """The names of what two runs do not have in common."""
    return [what for what in now if before.get(what) != now[what]]
