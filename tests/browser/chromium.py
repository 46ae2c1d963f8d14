"""Where the browser is, and how it is started."""

import os
import shutil
from typing import Any

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
)


class NoBrowser(Exception):
    """There is none; says how to get one."""


def launch_settings() -> dict[str, Any]:
    """What Playwright starts Debian's Chromium with, for its own is not downloaded.

    Raises NoBrowser.
    """
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        raise NoBrowser("no browser: as root, apt-get install chromium-headless-shell libatomic1")
    # Chromium's sandbox does not work for root.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": program, "args": [*FLAGS, *root]}
