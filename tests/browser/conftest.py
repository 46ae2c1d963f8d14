"""A browser for tests: Debian's chromium-headless-shell, steered by Playwright."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import NoBrowser, launch_settings
from tests.browser.studio import Studio, running
from tests.browser.watching import Visit, watched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder, so that `-m 'not browser'` leaves them out."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """How pytest-playwright starts the browser."""
    try:
        return {**browser_type_launch_args, **launch_settings()}
    except NoBrowser as missing:
        pytest.skip(str(missing))


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
