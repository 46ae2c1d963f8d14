"""The search over everything, the list it drops down, and the list of characters with a filter."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from prompt_repo.editing import Edit, archive_character, create_character, save
from prompt_repo.model import Character, PromptKey
from prompt_repo.repository import STAGING
from tests.factories import SAM, make_repository, put
from tests.web import Browser, make_app, person
from webapp.access import Role

ENV = "/environments/staging"
SEARCH = f"{ENV}/search"
LIST = f"{ENV}/characters"
HTMX = {"HX-Request": "true"}
CROWD = 120
HOSTILE = [
    "<script>alert(1)</script>",
    '"\' onmouseover=alert(1) x="',
    "{{ 7*7 }}",
    "%",
    "*",
    ".",
    "\\",
    "(" * 300,
    "\x00",
    "\u202e",
    "a" * 5000,
    "\ud7ff\uffff",
    "'; DROP TABLE accounts; --",
    "\n\n",
    "𝕒𝕣𝕚𝕒",
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Aria, Zoë, one who is archived and a crowd, all of whom speak of the same sea."""
    folder = tmp_path_factory.mktemp("search")
    repository = make_repository(folder)
    crowd = [Character(f"c{each:03}", f"Crowd {each:03}", "", {}, ()) for each in range(CROWD)]
    for who in (
        Character("aria", "Aria Vale", "Hosts a phone-in show.", tags=("radio", "night")),
        Character("zoe", "Zoë <b>Ångström</b>", "Paints at night.", tags=("museum",)),
        Character("gone", "Aria Gone", tags=("radio",)),
        *crowd,
    ):
        create_character(repository, STAGING, who, SAM, f"Add {who.id}")
    put(
        repository,
        {
            "defaults/idle": "Waits by the DOOR.",
            "aria/angry": "{character_name} slams the door.\nCafé light <i>flickers</i>. "
            + "Rain. " * 90,
            "zoe/angry": "Breaks a brush.",
            "gone/angry": "Slams the door, and is archived.",
        },
    )
    sea = [Edit(PromptKey(who.id, "angry"), f"Looks at the sea, {who.id}.") for who in crowd]
    tagged = Edit(PromptKey("zoe", "idle"), "Sits.", tags=("close-up",))
    save(repository, STAGING, [*sea, tagged], SAM, "Sea")
    archive_character(repository, STAGING, "gone", SAM, "Put away")
    return make_app(folder)


@pytest.fixture(scope="module")
def viewer(app: Flask) -> Browser:
    return person(app, Role.VIEWER)


def links(page: str) -> list[str]:
    """Where the links of a page's middle, or of a part of one, lead."""
    middle = page.partition("<main")[2] or page
    return [unescape(each) for each in re.findall(r'<a [^>]*href="([^"]+)"', middle)]


def search(browser: Browser, query: str, **more: str) -> str:
    answer = browser.get(SEARCH, query_string={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_character_is_found_by_a_part_of_the_name(viewer: Browser) -> None:
    """Whatever case and accents; the archived are left out."""
    for query in ("aria", "ARIA v", "vale"):
        assert f"{LIST}/aria" in links(search(viewer, query))
    assert f"{LIST}/zoe" in links(search(viewer, "angstrom zoe"))
    assert f"{LIST}/gone" not in links(search(viewer, "aria"))


def test_a_prompt_is_found_by_its_text_which_is_lit_up(viewer: Browser) -> None:
    """The stretch with the word is shown, as text."""
    page = search(viewer, "cafe light")

    assert f"{LIST}/aria/angry" in links(page)
    assert '<mark class="hit">Café</mark>' in page
    assert "&lt;i&gt;" in page


def test_a_default_is_found(viewer: Browser) -> None:
    """And leads to its own page."""
    assert f"{ENV}/defaults/idle" in links(search(viewer, "door"))


def test_a_prompt_is_named_by_character_and_emotion(viewer: Browser) -> None:
    """Though no text holds the words; an emotion alone names nobody's."""
    assert f"{LIST}/zoe/happy" in links(search(viewer, "zoe happy"))
    assert not [each for each in links(search(viewer, "happy")) if each.endswith("/happy")]


def test_a_tag_leads_to_those_who_have_it(viewer: Browser) -> None:
    """Characters to the list, prompts to the matrix; the number is who is meant."""
    assert f"{LIST}?tag=museum" in links(search(viewer, "museum"))
    assert f"{ENV}/matrix?tag=close-up" in links(search(viewer, "close-up"))


def test_all_results_are_reached_page_by_page(viewer: Browser) -> None:
    """Each prompt once, in order, to the last."""
    page, found = search(viewer, "sea"), []
    for _ in range(CROWD):
        found += [each for each in links(page) if re.fullmatch(LIST + "/c.*/angry", each)]
        further = re.search(r'rel="next" href="([^"]+)"', page)
        if further is None:
            break
        page = viewer.get(unescape(further[1])).text

    assert [f"{LIST}/c{each:03}/angry" for each in range(CROWD)] == found


def test_a_search_for_nothing_is_a_form(viewer: Browser) -> None:
    """So that one without scripts can search too."""
    for query in ("", "  ", "!?"):
        page = search(viewer, query)
        assert page.count('name="q"') == 2 - bool(query.strip())
        assert "<mark" not in page


def test_nothing_found_says_so_and_what_to_do(viewer: Browser) -> None:
    """With the words that were typed."""
    page = search(viewer, "<unheard> of")

    assert "Nothing in staging holds “&lt;unheard&gt; of”" in page
    assert LIST in links(page)


def test_the_list_that_drops_down_is_short_and_leads_to_all(viewer: Browser) -> None:
    """A part of a page, each choice an option with an id of its own, the last one the page."""
    answer = viewer.get(SEARCH, query_string={"q": "sea"}, headers=HTMX)
    options = re.findall(r'<a role="option" id="([^"]+)" tabindex="-1"', answer.text)

    assert "<html" not in answer.text
    assert "HX-Request" in answer.headers["Vary"]
    assert len(options) == len(set(options))
    assert 1 < len(options) <= 21
    assert f"{SEARCH}?q=sea" == links(answer.text)[-1]


def test_the_list_says_where_nothing_is(viewer: Browser) -> None:
    """Rather than dropping nothing down; for no query it is empty."""
    nothing = viewer.get(SEARCH, query_string={"q": "<unheard>"}, headers=HTMX).text
    empty = viewer.get(SEARCH, query_string={"q": " "}, headers=HTMX).text

    assert "Nothing in staging holds “&lt;unheard&gt;”" in nothing
    assert "" == empty.strip()


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "list"])
@pytest.mark.parametrize("address", [SEARCH, LIST, f"{ENV}/matrix"])
def test_hostile_queries_are_words(viewer: Browser, address: str, headers: dict[str, str]) -> None:
    """They are looked for, and shown as text."""
    for query in HOSTILE:
        for name in ("q", "tag"):
            answer = viewer.get(address, query_string={name: query}, headers=headers)
            assert answer.status_code == 200, (name, query, answer.text)
            assert "<script>alert" not in answer.text
            assert '" onmouseover' not in answer.text
            assert ">49<" not in answer.text


@pytest.mark.parametrize(
    "after",
    ["x", "/", "a/b/c", "../../etc/passwd", "aria/", "/angry/", "%00/%00", "-x/idle", "A/B", "é/è"],
)
def test_a_cursor_that_is_none_is_refused(viewer: Browser, after: str) -> None:
    """With a sentence, and without a look at the files."""
    answer = viewer.get(SEARCH, query_string={"q": "sea", "after": after})

    assert answer.status_code in (400, 404)
    assert "Traceback" not in answer.text


def test_a_cursor_whose_character_has_gone_begins_anew(viewer: Browser) -> None:
    """Somebody archived it meanwhile; nothing is left out."""
    page = search(viewer, "sea", after="nobody/angry")

    assert f"{LIST}/c000/angry" in links(page)


def test_production_has_a_search_of_its_own(viewer: Browser) -> None:
    """What is on staging alone isn't found there."""
    page = viewer.get("/environments/production/search?q=museum")

    assert 200 == page.status_code
    assert "Nothing in production holds" in page.text


def rows(page: str) -> list[str]:
    return [each.rpartition("/")[2] for each in re.findall(r'class="whole" href="([^"]+)"', page)]


def test_the_characters_come_in_pages(viewer: Browser) -> None:
    """All of them once; the address of the next page keeps the filter."""
    address, found = f"{LIST}?q=crowd", []
    while address:
        page = viewer.get(address).text
        found += rows(page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(further[1]) if further else ""
        assert not address or "q=crowd" in address

    assert [f"c{each:03}" for each in range(CROWD)] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?tag=radio", ["aria"]),
        ("?tag=radio&q=phone", ["aria"]),
        ("?tag=radio&q=zoe", []),
        ("?tag=unheard-of", []),
        ("?tag=radio&archived=1", ["gone"]),
        ("?q=night&tag=", ["aria", "zoe"]),
    ],
)
def test_the_list_is_filtered_by_words_and_tags(
    viewer: Browser, query: str, found: list[str]
) -> None:
    """Both must hold; the archived have a list of their own."""
    assert found == rows(viewer.get(LIST + query).text)


def test_htmx_gets_the_list_alone(viewer: Browser) -> None:
    """One element, whose next page goes into history; caches keep both answers apart."""
    answer = viewer.get(LIST, headers=HTMX)

    assert answer.text.strip().startswith('<section id="characters"')
    assert answer.text.strip().endswith("</section>")
    assert 'hx-push-url="true">Next 100' in answer.text
    assert "HX-Request" in answer.headers["Vary"]


def test_the_filter_stands_in_the_page_as_it_was_asked_for(viewer: Browser) -> None:
    """So that Back, a reload and an address that was sent show the same."""
    page = viewer.get(f"{LIST}?q=night&tag=museum").text

    assert re.search(r'id="filter"[^>]* value="night"', page)
    assert re.search(r'<option value="museum" selected>', page)


def test_an_empty_repository_teaches_the_next_step(tmp_path: Path) -> None:
    """To those who may take it."""
    make_repository(tmp_path)
    app = make_app(tmp_path)

    assert f"{ENV}/new-character" in links(person(app, Role.ADMIN).get(LIST).text)
    assert f"{ENV}/new-character" not in links(person(app, Role.VIEWER).get(LIST).text)
    assert "Nothing in staging holds" in search(person(app, Role.VIEWER), "sea")
