"""Git's own merge of lines, for single files, without leaving anything in the repository.

`git merge-tree` guesses renames from likeness and can't be told not to (2.39 reads no setting for
it). A rename guessed would carry one character's edit into another's prompt. So git is shown only
the files in question, under names of no meaning, in commits that stand for the real ones and are
never seen again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from dulwich.objects import Commit, ObjectID, ShaFile, Tree

from prompt_repo import git_cli
from prompt_repo.errors import GitFailed
from prompt_repo.git_commits import text_of

FILE = 0o100644
SOMEBODY = b"prompt-repo <>"
LAST_COUNT = 127  # conflicts that merge-file tells by its exit code; above, it failed
Labels = tuple[str, str, str]
"""What the markers call our side, the base, and their side."""
MANY = 4  # merge bases looked into; more make a history that git gives up on as well


@dataclass(frozen=True, slots=True)
class Point:
    """A commit that a merge has to look at: where it is in time, and what it came from."""

    oid: str
    at: int
    parents: tuple[str, ...]


def merge_bases(path: Path, one: str, other: str) -> list[str]:
    """The best common ancestors of two commits: none, one, or (criss-cross) several.

    Raises GitFailed, GitMissing.
    """
    process = git_cli.completed(path, ["merge-base", "--all", one, other])
    if process.returncode not in (0, 1):
        raise GitFailed("merge-base", text_of(process.stderr))
    return process.stdout.decode().split()


def points(path: Path, ours: str, theirs: str) -> list[Point]:
    """The two commits, their merge bases, those of these, and so on: what a merge is made of."""
    found = {ours, theirs}
    waiting = [(ours, theirs)]
    while waiting:
        bases = merge_bases(path, *waiting.pop())[:MANY]
        waiting += [pair for pair in combinations(bases, 2) if not {*pair} <= found]
        found |= {*bases}
    listing = ["rev-list", "--no-walk=sorted", "--topo-order", "--format=%H %ct", *sorted(found)]
    lines = _text(path, listing).splitlines()
    times = {line.split()[0]: int(line.split()[1]) for line in lines[1::2]}
    ancestors = {
        oid: {other for other in found - {oid} if git_cli.is_ancestor(path, other, oid)}
        for oid in found
    }
    return [
        Point(oid, times[oid], tuple(sorted(_nearest(ancestors[oid], ancestors))))
        for oid in sorted(found, key=lambda each: len(ancestors[each]))
    ]


def _nearest(of: set[str], ancestors: Mapping[str, set[str]]) -> set[str]:
    further = {each for other in of for each in ancestors[other]}
    return of - further


def merge_files(path: Path, files: Sequence[tuple[str, str, str]]) -> list[bytes | None]:
    """Merges files given as blobs (base, ours, theirs); None for each that conflicts.

    All of them in one run of git. Raises GitFailed, GitMissing.
    """
    if not files:
        return []
    names = [f"{number}".encode() for number in range(len(files))]
    trees = [
        _tree({name: sides[side] for name, sides in zip(names, files, strict=True)})
        for side in range(3)
    ]
    base = _commit(trees[0], [], 0)
    ours, theirs = (_commit(tree, [base], 1) for tree in trees[1:])
    with _aside(path, [*trees, base, ours, theirs]) as more:
        return _merged(path, more, ours, theirs, names)


def merge_crossed(
    path: Path, history: Sequence[Point], blobs: Mapping[str, str | None]
) -> bytes | None:
    """Merges one file along a criss-cross history; `blobs` is the file at each point's commit.

    The last two points are ours and theirs, in the order of `history`. None where it conflicts.
    """
    made: dict[str, Commit] = {}
    objects: list[ShaFile] = []
    for point in history:
        blob = blobs[point.oid]
        tree = _tree({b"0": blob} if blob else {})
        made[point.oid] = _commit(tree, [made[oid] for oid in point.parents], point.at)
        objects += [tree, made[point.oid]]
    ours, theirs = (made[point.oid] for point in history[-2:])
    with _aside(path, objects) as more:
        return _merged(path, more, ours, theirs, [b"0"])[0]


def merge_lines(base: bytes, ours: bytes, theirs: bytes, labels: Labels) -> tuple[bytes, bool]:
    """Git's merge of one file's lines, conflicts between markers; and whether it is clean.

    Raises GitFailed, GitMissing.
    """
    with TemporaryDirectory(prefix="prompt-repo-merge-") as folder:
        files = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for file, raw in zip(files, (ours, base, theirs), strict=True):
            file.write_bytes(raw)
        named = [part for label in labels for part in ("-L", label)]
        arguments = ["merge-file", "-p", "--diff3", *named, *map(str, files)]
        process = git_cli.completed(None, arguments)
    if process.returncode > LAST_COUNT:
        raise GitFailed("merge-file", text_of(process.stderr))
    return process.stdout, process.returncode == 0


def _tree(files: Mapping[bytes, str]) -> Tree:
    tree = Tree()
    for name, blob in files.items():
        tree.add(name, FILE, ObjectID(blob.encode()))
    return tree


def _commit(tree: Tree, parents: Sequence[Commit], at: int) -> Commit:
    commit = Commit()
    commit.tree = tree.id
    commit.parents = [parent.id for parent in parents]
    commit.author = commit.committer = SOMEBODY
    commit.author_time = commit.commit_time = at
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = b"merged aside\n"
    return commit


@contextmanager
def _aside(path: Path, objects: Iterable[ShaFile]) -> Iterator[Mapping[str, str]]:
    """The objects in a folder of their own, and the environment in which git finds them there.

    Git writes its new objects there as well, and reads the repository's beside.
    """
    with TemporaryDirectory(prefix="prompt-repo-merge-") as folder:
        for each in objects:
            name = each.id.decode()
            file = Path(folder, name[:2], name[2:])
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(each.as_legacy_object())
        yield {
            "GIT_OBJECT_DIRECTORY": folder,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(path / "objects"),
        }


def _merged(
    path: Path, more: Mapping[str, str], ours: Commit, theirs: Commit, names: Sequence[bytes]
) -> list[bytes | None]:
    arguments = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"]
    process = git_cli.completed(path, [*arguments, _id(ours), _id(theirs)], more=more)
    if process.returncode not in (0, 1):
        raise GitFailed("merge-tree", text_of(process.stderr))
    tree, *conflicted = process.stdout.split(b"\0")
    clean = [name for name in names if name not in conflicted]
    order = b"".join(b"%s:%s\n" % (tree.strip(), name) for name in clean)
    found = dict(zip(clean, _contents(path, more, order), strict=True))
    return [found.get(name) for name in names]


def _contents(path: Path, more: Mapping[str, str], order: bytes) -> Iterator[bytes]:
    process = git_cli.completed(path, ["cat-file", "--batch"], order, more)
    if process.returncode != 0:
        raise GitFailed("cat-file", text_of(process.stderr))
    output, at = process.stdout, 0
    while at < len(output):
        end = output.index(b"\n", at)
        size = int(output[at:end].split(b" ")[2])
        yield output[end + 1 : end + 1 + size]
        at = end + 2 + size


def _id(commit: Commit) -> str:
    return commit.id.decode()


def _text(path: Path, arguments: list[str]) -> str:
    process = git_cli.completed(path, arguments)
    if process.returncode != 0:
        raise GitFailed(arguments[0], text_of(process.stderr))
    return process.stdout.decode()


def count_between(path: Path, old: str, new: str) -> int:
    """How many commits `new` has that `old` hasn't; raises GitFailed, GitMissing."""
    return int(_text(path, ["rev-list", "--count", new, f"^{old}"]))
