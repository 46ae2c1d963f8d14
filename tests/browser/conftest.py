"""A browser for tests: Debian's chromium-headless-shell, steered by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.studio import Studio, running
from tests.browser.watching import Visit, watched

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder, so that `-m 'not browser'` leaves them out."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Playwright's own browser is not downloaded; Debian's is used."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        pytest.skip("no browser: as root, apt-get install chromium-headless-shell libatomic1")
    # Chromium's sandbox does not work for root.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": program, "args": [*FLAGS, *root]}


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The program with one studio in it, for all tests of this process."""
    with running(tmp_path_factory.mktemp("browser") / "data") as made:
        yield made


@pytest.fixture
def visit(studio: Studio, browser: Browser) -> Iterator[Visit]:
    """Makes browser contexts; each is checked for what went wrong in it at the end."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(watched(studio, browser, **settings))
