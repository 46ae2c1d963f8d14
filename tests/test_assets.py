"""What a page brings along: few bytes, and one thing that its first paint waits for."""

import gzip
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent / "webapp"
MOST = 150_000  # bytes of script and style, compressed
MOST_PICTURE = 60_000  # bytes of one picture in the README
BASE = (ROOT / "templates" / "base.html").read_text()


def test_script_and_style_are_small() -> None:
    """All of it together, as a server with gzip sends it."""
    static = ROOT / "static"
    files = [*static.rglob("*.js"), *static.rglob("*.css")]
    assert files

    assert sum(len(gzip.compress(each.read_bytes(), 6)) for each in files) <= MOST


def test_the_first_paint_waits_for_one_stylesheet() -> None:
    """Scripts are deferred or modules, no font hides a text, and there is one stylesheet."""
    head = BASE[BASE.index("<head>") : BASE.index("</head>")]

    templates = [each.read_text() for each in (ROOT / "templates").rglob("*.html")]
    assert head.count('rel="stylesheet"') == 1
    assert sum(each.count('rel="stylesheet"') for each in templates) == 1
    assert all(
        "defer" in tag or 'type="module"' in tag for tag in re.findall(r"<script[^>]*>", BASE)
    )
    sheet = (ROOT / "static" / "app.css").read_text()
    assert "@import" not in sheet
    faces = re.findall(r"@font-face \{[^}]*\}", sheet)
    assert faces
    assert all(re.search(r"font-display: (swap|optional)|local\(", face) for face in faces)


def test_what_is_preloaded_is_what_the_stylesheet_uses() -> None:
    """The fonts asked for early are those of its faces, of the same kind and by the same way."""
    sheet = (ROOT / "static" / "app.css").read_text()
    preloaded = re.findall(r'<link rel="preload" href="[^"]*filename=\'([^\']+)\'[^>]*>', BASE)

    assert preloaded
    for each in preloaded:
        assert re.search(rf'url\("?{re.escape(each)}"?\) format\("woff2', sheet)
        assert (ROOT / "static" / each).is_file()
    assert BASE.count('as="font" type="font/woff2" crossorigin>') == len(preloaded)


def test_the_pictures_of_the_readme_are_small() -> None:
    """There are three, and each is one that `screenshots.py --readme` takes."""
    readme = (ROOT.parent / "README.md").read_text()
    shown = re.findall(r"!\[[^\]]+\]\((docs/pictures/[^)]+)\)", readme)

    assert len(shown) == 3
    assert all((ROOT.parent / each).stat().st_size <= MOST_PICTURE for each in shown)
