"""The locks that ./run and ./test install from hold what pyproject.toml asks for."""

import re
import tomllib

import pytest

from tests.conftest import ROOT

PIN = re.compile(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def pins(lock: str) -> set[tuple[str, str]]:
    return set(PIN.findall((ROOT / ".setup" / f"{lock}.txt").read_text()))


def wanted(*groups: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"]]
    for group in groups:
        asked += project["dependency-groups"][group]
    return {re.sub(r"[._]", "-", NAME.findall(each)[0].lower()) for each in asked}


@pytest.mark.parametrize(("lock", "groups"), [("run", ["build"]), ("test", ["build", "test"])])
def test_a_lock_holds_every_dependency(lock: str, groups: list[str]) -> None:
    """Else a fresh machine starts without it; `.setup/lock` makes both anew."""
    locked = {name for name, _ in pins(lock)}

    assert wanted(*groups) <= locked
