"""What can go wrong in the prompt repository.

* PromptRepoError
  - InvalidId            an id does not match the pattern (carries the pattern)
  - UnknownEmotion       the emotion is not in the repository's list (carries the list)
  - CharacterNotFound    no character has this id
  - CharacterExists      a character with this id is there already
  - CharacterArchived    the character is archived, so its prompts can't be edited
  - PromptNotFound       the prompt does not exist (no override and no default, or never written)
  - VersionNotFound      the prompt has no version of that number
  - RevisionNotFound     no commit, tag or time of this branch answers to that name
    - BranchNotFound       the repository has no such branch
  - InvalidDocument      a file does not satisfy prompts-schema.json (carries line and column)
  - EditConflict         somebody changed this very prompt since the edit began
  - PreconditionFailed   the ETag the edit was made against is no longer the current one
  - ProtectedBranch      the branch moves by promotion only
    - ReviewRequired       the branch moves by reviewed change requests only
  - RepositoryNotFound   the folder holds no prompt repository, or none that can be read
  - RepositoryExists     the folder holds a prompt repository already
  - RepositoryDamaged    a ref or an object can't be read (carries what)
  - RepositoryBusy       another writer held the lock for too long
  - StorageFailed        the disk is full, or a file may not be read or written
  - InvalidReason        a reason is too long, or forges a trailer of the server's
  - RefMoved             a branch isn't where the writer thought it was
  - InvalidPush          what was pushed can't be read, or something of it is missing
  - GitMissing           the git program isn't installed
  - GitFailed            the git program failed (carries what it said)
  - InvalidCursor        a cursor of a list isn't one we gave
  - InvalidEdit          a set of edits contradicts itself
  - PlanMoved            an environment moved since the plan was made (carries where they are)
  - Undecided            diverged or held-back documents need somebody's choice (carries them)
  - RolledBackMoved      what shall be rolled back moved again since (carries the paths)
  - NotInPlan            a path named is none of those the plan is about
  - NothingToPromote     there is nothing to promote, or to roll back
  - ChangeMoved          a change request isn't at the commit that was looked at (carries its head)
  - MergeConflicts       a change request and its base changed the same (carries the fields)
  - UpdateNeeded         a merge would hold texts that nobody has seen (carries the paths)
  - NothingProposed      a change request holds nothing that its base does not
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one file: where it stands and what would be valid.

    `line` and `column` count from 1; they are None where a whole file is meant.
    `field` is a dotted path inside the document ("" for the document itself).
    """

    path: str
    message: str
    line: int | None = None
    column: int | None = None
    field: str = ""
    valid: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`path:line:column: field: message`, as compilers write it."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.field, self.message) if part)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two edits of one document: the text both began from, theirs, yours, and a three-way merge.

    A text is None where that side has no prompt. `merged` is None where the sides overlap;
    then `merged_with_markers` shows the overlap between `<<<<<<<` and `>>>>>>>`.
    """

    path: str
    base: str | None
    theirs: str | None
    yours: str | None
    merged: str | None
    merged_with_markers: str


class PromptRepoError(Exception):
    """Anything the prompt repository refuses, with a sentence a person can act on."""

    def __reduce__(self) -> tuple[Callable[..., "PromptRepoError"], tuple[object, ...]]:
        """How one goes to another process: not by its constructor, which wants other arguments."""
        return _again, (type(self), self.args, self.__dict__)


def _again(
    kind: type[PromptRepoError], args: tuple[object, ...], fields: dict[str, object]
) -> PromptRepoError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class AboutPaths(PromptRepoError):
    """Something to be said of several documents at once (carries their paths)."""

    said = "{}"

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(dict.fromkeys(paths))
        more = len(self.paths) - 5
        named = ", ".join(self.paths[:5]) + (f" and {more} more" if more > 0 else "")
        super().__init__(self.said.format(named))


class InvalidId(PromptRepoError):
    """An id does not match the pattern."""

    def __init__(self, value: str, kind: str) -> None:
        self.value, self.kind = value, kind
        super().__init__(
            f"{value[:80]!r} is no valid {kind} id: use 1 to 64 of a-z, 0-9, '-' and '_', "
            "beginning with a letter or digit"
        )


class UnknownEmotion(PromptRepoError):
    """The emotion is not in the repository's list."""

    def __init__(self, emotion: str, valid: Sequence[str]) -> None:
        self.emotion, self.valid = emotion, tuple(valid)
        super().__init__(f"{emotion[:80]!r} is not an emotion here; valid are {', '.join(valid)}")


class CharacterNotFound(PromptRepoError):
    """No character has this id."""

    def __init__(self, character: str) -> None:
        self.character = character
        super().__init__(f"there is no character {character[:80]!r}")


class CharacterExists(PromptRepoError):
    """A character with this id is there already."""

    def __init__(self, character: str) -> None:
        self.character = character
        super().__init__(f"there is a character {character!r} already")


class CharacterArchived(PromptRepoError):
    """The character is archived, so its prompts can't be edited."""

    def __init__(self, character: str) -> None:
        self.character = character
        super().__init__(f"{character!r} is archived; restore it to edit its prompts")


class PromptNotFound(PromptRepoError):
    """The prompt does not exist."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"there is no prompt at {path}")


class VersionNotFound(PromptRepoError):
    """The prompt has no version of that number."""

    def __init__(self, path: str, number: int) -> None:
        self.path, self.number = path, number
        super().__init__(f"{path} has no version {number}")


class RevisionNotFound(PromptRepoError):
    """No commit, tag or time of this branch answers to that name."""

    def __init__(self, name: str, branch: str = "") -> None:
        self.name, self.branch = name, branch
        wrong = f"{name[:80]!r} is no commit, tag or time"
        if branch:
            wrong = f"{branch} held nothing at {name[:80]!r}"
        super().__init__(
            f"{wrong}; give a full commit id, a tag, or a time such as 2026-11-23T09:00:00Z"
        )


class BranchNotFound(RevisionNotFound):
    """The repository has no branch of that name."""

    def __init__(self, branch: str) -> None:
        super().__init__(branch)
        self.args = (
            f"there is no branch {branch[:80]!r} here; there are staging, production and those of "
            "change requests (changes/…)",
        )


class InvalidDocument(PromptRepoError):
    """A file does not satisfy prompts-schema.json."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems[:5]))

    def at(self, path: str) -> "InvalidDocument":
        """The same of a file at `path`; an error of its own, for one raised twice keeps growing."""
        return InvalidDocument([replace(problem, path=path) for problem in self.problems])


class EditConflict(AboutPaths):
    """Somebody changed this very prompt since the edit began."""

    said = "changed since you began: {}"

    def __init__(self, conflicts: Sequence[Conflict], head: str) -> None:
        self.conflicts, self.head = tuple(conflicts), head
        super().__init__([each.path for each in self.conflicts])


class PreconditionFailed(PromptRepoError):
    """The ETag the edit was made against is no longer the current one."""

    def __init__(self, path: str, etag: str | None) -> None:
        self.path, self.etag = path, etag
        now = f"its ETag is now {etag}" if etag else "it does not exist now"
        super().__init__(f"{path} is not as you say you saw it; {now}")


class ProtectedBranch(PromptRepoError):
    """The branch moves by promotion only."""

    said = "{} moves only by promotion; edit staging, then promote"

    def __init__(self, branch: str) -> None:
        self.branch = branch
        super().__init__(self.said.format(branch))


class ReviewRequired(ProtectedBranch):
    """The branch moves by reviewed change requests only."""

    said = "{} changes by reviewed change requests; propose this edit in one"


class RepositoryNotFound(PromptRepoError):
    """The folder holds no prompt repository, or one in a form that can't be read (`why`)."""

    def __init__(self, path: str, why: str = "") -> None:
        self.path, self.why = path, why
        none = f"{path} holds no prompt repository; make one with `prompt-repo init`"
        super().__init__(
            f"{path} holds a repository that can't be read here: {why}" if why else none
        )


class RepositoryExists(PromptRepoError):
    """The folder holds a prompt repository already."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} holds a repository already")


class RepositoryDamaged(PromptRepoError):
    """A ref or an object of the repository can't be read."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the repository is damaged: {what}; `git fsck` says more")


class RepositoryBusy(PromptRepoError):
    """Another writer held the lock for too long."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        super().__init__(f"another writer has held {path} for {seconds:.0f} s; try again")


class StorageFailed(PromptRepoError):
    """A file of the repository, or of what is derived from it, can't be read or written."""

    def __init__(self, file: str, why: str) -> None:
        self.file, self.why = file, why
        super().__init__(f"{file} can't be used: {why}")

    @classmethod
    def of(cls, error: OSError, folder: object) -> "StorageFailed":
        """What the system said; of a file that it doesn't name, the folder is named."""
        return cls(str(error.filename or folder), error.strerror or str(error))


class InvalidReason(PromptRepoError):
    """A reason, or a title, is too long, holds control characters, or forges a trailer of ours."""

    def __init__(self, why: str, what: str = "this reason") -> None:
        super().__init__(f"{what} can't be kept: {why}")


class InvalidEdit(PromptRepoError):
    """A set of edits contradicts itself, such as two edits of one prompt."""


class RefMoved(PromptRepoError):
    """A branch isn't where the writer thought it was."""

    def __init__(self, ref: str, expected: str | None, found: str | None) -> None:
        self.ref, self.expected, self.found = ref, expected, found
        super().__init__(f"{ref} is at {found}, not at {expected}")


class InvalidPush(PromptRepoError):
    """What was pushed can't be read, or something of it is missing."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"this push can't be taken: {why}")


class GitMissing(PromptRepoError):
    """The git program isn't installed."""

    def __init__(self) -> None:
        super().__init__("the git program isn't installed; on Debian: apt-get install git")


class GitFailed(PromptRepoError):
    """The git program failed."""

    def __init__(self, verb: str, said: str) -> None:
        self.verb, self.said = verb, said
        super().__init__(f"git {verb} failed: {said.strip()[:500]}")


class InvalidCursor(PromptRepoError):
    """A cursor of a list isn't one we gave."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor[:80]!r} is no cursor of this list; begin without one")


class PlanMoved(PromptRepoError):
    """An environment moved since the plan was made."""

    def __init__(self, staging: str, production: str) -> None:
        self.staging, self.production = staging, production
        super().__init__(
            f"the plan is out of date: staging is at {staging[:9]} now, production at "
            f"{production[:9]}; look at the new plan"
        )


class Undecided(AboutPaths):
    """Diverged or held-back documents need somebody's choice."""

    said = "decide first about {}: keep production's, take staging's, or pick what was held back"


class RolledBackMoved(AboutPaths):
    """What shall be rolled back moved again in production since."""

    said = "moved in production since: {}; leave them out, or say that they go back anyway"


class NotInPlan(PromptRepoError):
    """A path named is none of those that it may be."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        super().__init__(f"{path[:200]!r} is no document that {what}")


class NothingToPromote(PromptRepoError):
    """There is nothing to promote, or to roll back."""

    def __init__(self) -> None:
        super().__init__("nothing would change in production")


class ChangeMoved(PromptRepoError):
    """A change request isn't at the commit that was looked at."""

    def __init__(self, branch: str, head: str | None) -> None:
        self.branch, self.head = branch, head
        now = f"at {head[:9]} now; look at what is new, then go on from there" if head else "gone"
        super().__init__(f"{branch} is {now}")


class MergeConflicts(AboutPaths):
    """A change request and its base changed the same fields differently."""

    said = "both sides changed {}; decide what shall stand"


class UpdateNeeded(AboutPaths):
    """A merge would join two edits of one document into a text that nobody has seen."""

    said = "{} changed on both sides; update the change request first, to see both joined"


class NothingProposed(PromptRepoError):
    """A change request holds nothing that its base does not hold already."""

    def __init__(self) -> None:
        super().__init__("there is nothing to propose: everything stands so already")
