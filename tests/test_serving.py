"""Where the server listens, and what is said where it can't."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prompt_repo.git_store import GitStore
from webapp import serving
from webapp.serving import HostRefused, PortTaken


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_host_is_told_by_its_number(taken: int) -> None:
    """The server knows numbers only, people say localhost."""
    assert serving.require_free("localhost", 0) in ("127.0.0.1", "::1")
    assert "127.0.0.1" == serving.require_free("127.0.0.1", 0)


def test_a_port_that_is_taken_is_said(taken: int) -> None:
    """With what to do about it."""
    with pytest.raises(PortTaken, match=f"port {taken} of 127.0.0.1 is taken.*--port"):
        serving.require_free("127.0.0.1", taken)


@pytest.mark.parametrize(
    "host", ["", "nowhere.invalid", "192.0.2.1", "256.0.0.1", "x" * 300, "a\n", "a..b"]
)
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    """No name, no address of this machine: that is not a port which is taken."""
    with pytest.raises(HostRefused, match="can't be listened on"):
        serving.free_port(host)


def test_the_first_free_port_is_found(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """Not the one that is taken; after twenty it is given up."""
    monkeypatch.setattr(serving, "FIRST_PORT", taken)

    assert taken < serving.free_port("127.0.0.1") < taken + serving.PORTS_TRIED

    monkeypatch.setattr(serving, "PORTS_TRIED", 1)
    with pytest.raises(PortTaken):
        serving.free_port("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://127.0.0.1:80/"),
        ("::1", "http://[::1]:80/"),
        ("studio.example", "http://studio.example:80/"),
    ],
)
def test_a_browser_on_this_machine_finds_the_server(host: str, url: str) -> None:
    """An address for all interfaces is none that a browser can open."""
    assert url == serving.address(host, 80)


def test_a_restored_repository_is_guarded_before_it_is_served(
    tmp_path: Path, git: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is set is said; one that isn't there, or that needs nothing, is no matter."""
    made = GitStore.create(tmp_path / "made.git")
    git(tmp_path, "clone", "-q", "--mirror", str(made.path), "back.git")

    for path in (tmp_path / "back.git", made.path, tmp_path / "nowhere.git"):
        serving.guard_repository(path)

    said = capsys.readouterr().out.splitlines()
    assert 1 == len(said)
    assert "back.git: core.fsync" in said[0]
    assert "true" == git(tmp_path / "back.git", "config", "receive.denyDeletes").strip()
