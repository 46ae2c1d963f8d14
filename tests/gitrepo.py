"""Histories built by git itself, of any shape, quickly."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

FRESH = ("-c", "user.name=Tess", "-c", "user.email=tess@studio.example")


def git(path: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What a git command prints; raises where it fails."""
    done = subprocess.run(
        ["git", *FRESH, "-C", str(path), *arguments],
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


class Graph:
    """Commits made in one `git fast-import` run; each is a full set of files and its parents."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: list[bytes] = []
        self._count = 0

    def commit(
        self, files: Mapping[str, str], parents: Sequence[int] = (), message: str = "x"
    ) -> int:
        """Adds a commit whose tree is exactly `files`; gives its mark."""
        self._count += 1
        words = message.encode()
        stream = [
            b"commit refs/heads/changes/c%d\n" % self._count,
            b"mark :%d\n" % self._count,
            b"committer Tess <tess@studio.example> %d +0000\n" % (1_700_000_000 + self._count),
            b"data %d\n%s\n" % (len(words), words),
        ]
        stream += [
            b"%s :%d\n" % (b"merge" if place else b"from", parent)
            for place, parent in enumerate(parents)
        ]
        stream.append(b"deleteall\n")
        for name, text in files.items():
            raw = text.encode()
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(raw), raw))
        self._stream.append(b"".join(stream))
        return self._count

    def flush(self) -> dict[int, str]:
        """Writes all commits added since the last time; gives every mark's commit id."""
        marks = self.path / "marks"
        known = [f"--import-marks={marks}"] if marks.exists() else []
        stream = b"".join(self._stream)
        git(self.path, "fast-import", "--quiet", *known, f"--export-marks={marks}", stdin=stream)
        self._stream.clear()
        lines = (line.split() for line in marks.read_text().splitlines())
        return {int(mark[1:]): oid for mark, oid in lines}
