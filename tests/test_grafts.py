"""Commits that take whole folders from another commit."""

from prompt_repo.model import Graft
from prompt_repo.repository import STAGING, Repository
from tests.factories import SAM
from tests.gitrepo import git


def test_whole_folders_are_taken_from_another_commit(repository: Repository) -> None:
    """Replaced, added and taken away below one parent, exactly as git would name the trees."""
    store = repository.store
    before = store.write(
        STAGING,
        store.head(STAGING),
        {"characters/aria/idle.yaml": b"prompt: a\n", "characters/zed/idle.yaml": b"prompt: z\n"},
        author=SAM,
        message="One side",
    )
    store.create_branch("changes/other", before.oid)
    other = store.write(
        "changes/other",
        before.oid,
        {
            "characters/aria/idle.yaml": b"prompt: b\n",
            "characters/aria-2/idle.yaml": b"prompt: new\n",
            "characters/bolt/idle.yaml": b"prompt: left alone\n",
            **dict.fromkeys(("characters/zed/idle.yaml",)),
        },
        author=SAM,
        message="Other side",
    )

    graft = Graft(other.oid, "characters", {"aria", "aria-2", "zed"})
    after = store.write(STAGING, before.oid, {}, graft=graft, author=SAM, message="Graft")

    changed = {change.path: change.new for change in after.changes}
    assert changed == {
        path: dict(store.files(other.oid)).get(path)
        for path in (
            "characters/aria/idle.yaml",
            "characters/aria-2/idle.yaml",
            "characters/zed/idle.yaml",
        )
    }
    git(store.path, "fsck", "--strict")
    listed = git(store.path, "ls-tree", "--name-only", f"{after.oid}:characters").split()
    assert listed == ["aria-2", "aria", "bolt"]  # as git sorts folders
