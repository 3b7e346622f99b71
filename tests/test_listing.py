"""Lists of articles: words, filters, orders, pages. And one article taken out and put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import BagEncoder

from index import Archive, Filters
from index.changes import Added
from index.errors import ArchiveError
from index.listing import folded

Write = Callable[[dict[str, str]], Path]


def text(title: str, outlet: str, date: str, body: str = "It rained.") -> str:
    return f'---\ntitle: "{title}"\noutlet: {outlet}\ndate: {date}\n---\n\n{body}\n'


ARTICLES = {
    "a.txt": text("Zinc mine closes", "Ostrány Press", "2020-05-01"),
    "b.txt": text("‘Apples’ are dear", "Tide", "2019-01-02"),
    "c.txt": text("Ferry sinks", "tide times", "2021-03-04"),
    "d.txt": "Beacon lit\n\nThe beacon was lit.",
}


@pytest.fixture
def filled(archive: Archive, folder: Write) -> Archive:
    archive.add([folder(ARTICLES)])
    return archive


def titles(archive: Archive, *arguments: object) -> list[str]:
    return [article.title.split()[0] for article in archive.listed(*arguments).articles]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", ["Ferry", "Zinc", "‘Apples’", "Beacon"]),
        ("oldest", ["‘Apples’", "Zinc", "Ferry", "Beacon"]),
        ("title", ["‘Apples’", "Beacon", "Ferry", "Zinc"]),
        ("outlet", ["Zinc", "‘Apples’", "Ferry", "Beacon"]),
    ],
)
def test_orders(filled: Archive, order: str, expected: list[str]) -> None:
    """Without a date or an outlet an article comes last; quotation marks and case do not order."""
    assert titles(filled, "", None, order) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [("", 4), ("tide", 2), ("TIDE ferry", 1), ("ostrany", 1), ("ostrány", 1), ("sink", 1), ("rained", 0), ("%", 0), ("  ", 4)],
)
def test_each_word_stands_in_title_or_outlet(filled: Archive, words: str, expected: int) -> None:
    """In any case, with or without accents; no sign is a wildcard, and the text is not looked through."""
    assert filled.listed(words).total == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(("TIDE",)), ["‘Apples’"]),
        (Filters(("nobody",)), []),
        (Filters((), "2020-01-01", ""), ["Ferry", "Zinc"]),
        (Filters((), "", "2020-12-31"), ["Zinc", "‘Apples’"]),
        (Filters(("Tide", "tide times"), "2019-01-02", "2019-01-02"), ["‘Apples’"]),
    ],
)
def test_filters_limit_a_list(filled: Archive, filters: Filters, expected: list[str]) -> None:
    """As they limit a search: an article without a date is outside every range."""
    assert titles(filled, "", filters) == expected


def test_pages_cover_a_list_without_overlap(filled: Archive) -> None:
    """The last is short, and one beyond is empty."""
    pages = [filled.listed(first=first, count=3) for first in (0, 3, 6)]
    assert [len(page.articles) for page in pages] == [3, 1, 0]
    assert {page.total for page in pages} == {4}
    assert len({article.id for page in pages for article in page.articles}) == 4


def test_folding() -> None:
    """ASCII and beyond."""
    assert [folded(one) for one in ("Straße", "ÉTÉ", "Iran", "Øre")] == ["strasse", "ete", "iran", "øre"]


def id_of(archive: Archive, word: str) -> str:
    (article,) = archive.listed(word).articles
    return article.id


def state(archive: Archive) -> tuple[object, ...]:
    return archive.status()["digest"], archive.places(), archive.failed(), list(archive.articles())


def test_what_was_taken_out_comes_back_as_it_was(filled: Archive, encoder: BagEncoder) -> None:
    """Articles, places and what a search finds; nothing is embedded, and the file need not be there any more."""
    before, found = state(filled), [hit.cosine for hit in filled.search("ferry")]
    removed = filled.take_out(id_of(filled, "ferry"))
    assert filled.listed("ferry").total == 0
    assert Path(removed.article.path) in map(Path, filled.status()["left_out"])
    Path(removed.article.path).unlink()
    encoder.encoded.clear()
    filled.put_back(removed)
    assert encoder.encoded == []
    assert state(filled) == before
    assert sorted(hit.cosine for hit in filled.search("ferry")) == pytest.approx(sorted(found), abs=2e-3)  # kept in half precision
    assert filled.check().whole


def test_one_of_several_in_a_file_comes_back(archive: Archive, folder: Write) -> None:
    """And an update leaves it in."""
    file = folder({"two.jsonl": '{"_id": "1", "text": "Nine drowned."}\n{"_id": "2", "text": "A mast fell."}\n'}) / "two.jsonl"
    archive.add([file])
    before = state(archive)
    removed = archive.take_out(id_of(archive, "nine"))
    assert archive.update().left_out == 1
    archive.put_back(removed)
    assert state(archive) == before
    assert archive.update() == Added(unchanged=2)


def test_one_that_came_back_by_itself_stays(filled: Archive, folder: Write) -> None:
    """Its newer version is not undone."""
    removed = filled.take_out(id_of(filled, "ferry"))
    filled.add([folder({"c.txt": text("Ferry raised", "Tide", "2021-03-05")}) / "c.txt"])
    filled.put_back(removed)
    assert titles(filled, "ferry") == ["Ferry"]
    assert filled.listed("raised").total == 1


def test_nothing_is_taken_out_by_an_id_that_is_none(filled: Archive) -> None:
    """One line says so."""
    with pytest.raises(ArchiveError, match="no article nothing"):
        filled.take_out("nothing")
    assert filled.listed().total == 4


def test_what_a_walk_passes_by_does_not_vanish(archive: Archive, folder: Write) -> None:
    """A hidden folder, and one inside an archive, that were given by name, when the folder above them is given."""
    home = folder(
        {"a.txt": "Nine drowned.", ".drafts/b.txt": "A mast fell.", "old/store.db": "", "old/seg/x": "", "old/uploads/c.txt": "Hail."}
    )
    archive.add([home / ".drafts", home / "old" / "uploads" / "c.txt"])
    assert archive.add([home]) == Added(new=1, unchanged=2, embedded=1)
    (home / ".drafts" / "b.txt").unlink()
    assert archive.add([home]).removed == 1
