"""Several articles in a file: what they are called, and what is said of them when the file is read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run
from fakes import BagEncoder

from index import Archive
from index.articles import SPLITTERS, sources
from index.errors import ArticleError

Folder = Callable[[dict[str, str]], Path]

FERRY = {"title": "Ferry", "text": "The ferry sank off Selwyn."}
DAM = {"title": "Dam", "text": "The dam cracked on Sunday."}
TRAM = {"title": "Tram", "text": "The tram stopped in Kestrel."}
AT = {"url": "https://c.example/live"}


def lines(*records: dict[str, str]) -> str:
    return "\n".join(map(json.dumps, records))


def table(*records: dict[str, str]) -> str:
    return "title,text,url\n" + "\n".join(f"{one['title']},{one['text']},{one.get('url', '')}" for one in records)


def feed(*records: dict[str, str]) -> str:
    items = (
        f"<item><title>{one['title']}</title><description>{one['text']}</description><link>{one.get('url', '')}</link></item>"
        for one in records
    )
    return f"<rss><channel>{''.join(items)}</channel></rss>"


FORMATS = pytest.mark.parametrize(("name", "written"), [("a.jsonl", lines), ("a.csv", table), ("a.xml", feed)])


def keys(file: Path) -> list[str]:
    found = [one.path.removeprefix(str(file)) for one in sources(file) if not isinstance(one, ArticleError)]
    assert len(set(found)) == len(found)
    return found


@FORMATS
@pytest.mark.parametrize("common", [{}, AT], ids=["without address", "one address"])
def test_an_article_put_before_others_changes_nothing_about_them(
    archive: Archive, folder: Folder, encoder: BagEncoder, name: str, written: Callable[..., str], common: dict[str, str]
) -> None:
    """Without ids too, and where one address stands for them all: the new one alone is embedded."""
    home = folder({name: written(FERRY | common, DAM | common)})
    archive.add([home])
    encoder.encoded.clear()
    folder({name: written(TRAM | common, FERRY | common, DAM | common)})
    added = archive.update()
    assert (added.embedded, added.removed, added.rejected) == (1, 0, [])
    assert [text.split("\n")[-1] for text in encoder.encoded] == [TRAM["text"]]
    assert sorted(article.text for article in archive.articles()) == sorted(one["text"] for one in (FERRY, DAM, TRAM))
    if not common:
        assert (added.new, added.unchanged) == (1, 2)


@FORMATS
def test_an_address_names_an_article(archive: Archive, folder: Folder, name: str, written: Callable[..., str]) -> None:
    """Whatever becomes of its text; what has none is known by its title and text."""
    home = folder({name: written(FERRY | AT, DAM)})
    assert keys(home / name)[0] == "#https://c.example/live"
    archive.add([home])
    folder({name: written(DAM, TRAM | AT)})
    added = archive.update()
    assert (added.new, added.changed, added.unchanged, added.removed) == (0, 1, 1, 0)


def test_the_same_article_twice_stands_twice(tmp_path: Path) -> None:
    """Numbered, in the order of the file; an address that is too long for a name is none."""
    file = tmp_path / "a.jsonl"
    file.write_text(lines(FERRY, FERRY, FERRY | {"date": "2017"}, DAM | {"url": f"https://c.example/{'x' * 500}"}))
    first, second, third, fourth = keys(file)
    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert len(fourth) == len(first) == 13


def test_many_equal_articles_are_named_in_no_time(tmp_path: Path) -> None:
    """Not in the square of their number."""
    file = tmp_path / "a.jsonl"
    file.write_text(lines(*[FERRY] * 50_000))
    assert len(keys(file)) == 50_000


def test_a_note_about_a_file_is_told_when_it_is_new_or_changed(archive: Archive, tmp_path: Path) -> None:
    """Not each time that it is read."""
    file = tmp_path / "wire.csv"
    file.write_bytes("text\nThe café by the old harbour was closed.".encode("cp1252"))
    notes = ["read as windows-1252, not UTF-8"]
    assert [notice.text for notice in archive.add([file]).notices] == notes
    assert archive.update().notices == []
    with file.open("ab") as more:
        more.write(b"\nThe tram stopped.")
    assert [notice.text for notice in archive.update().notices] == notes


BROKEN = [
    ("a.csv", "id,headline\n1,Ferry\n", "a.csv"),
    ("a.xml", "<rss><channel></rss>", "a.xml"),
    ("a.csv", 'text\nOne.\n"Two" x\n', "a.csv:3"),
    ("a.csv", "text\nOne.\nTwo, three.\n", "a.csv:3"),
    ("a.jsonl", '{"text": "One."}\n{"text": ', "a.jsonl:2"),
    ("a.jsonl", '{"id": 1, "text": "One."}\n{"id": 1, "text": "Two."}', "a.jsonl:2"),
]


@pytest.mark.parametrize(("name", "broken", "place"), BROKEN)
@pytest.mark.parametrize("given", ["folder", "file"])
def test_what_is_broken_is_named_once(archive: Archive, folder: Folder, name: str, broken: str, place: str, given: str) -> None:
    """Then it is listed by status, until it changes; and forgotten when it is mended."""
    home = folder({name: broken, "b.txt": "The dam cracked."})
    added = archive.add([home / name, home / "b.txt"] if given == "file" else [home])
    assert [Path(error.path).name for error in added.rejected] == [place]
    assert [Path(path).name for path in archive.status()["not_taken"]] == [place]
    again = archive.update()
    assert (again.waiting, again.rejected) == (1, [])
    (home / name).write_text(broken + " ")
    if name != "a.jsonl":
        assert len(archive.update().rejected) == 1
    (home / name).write_text({"a.csv": table, "a.xml": feed, "a.jsonl": lines}[name](FERRY))
    mended = archive.update()
    assert (mended.waiting, mended.rejected, archive.status()["not_taken"]) == (0, [], {})


@pytest.mark.parametrize(("name", "written", "broken"), [("a.csv", table, "id,headline\n1,Ferry\n"), ("a.xml", feed, "<rss>")])
def test_a_broken_file_is_not_tried_again(
    archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch, name: str, written: Callable[..., str], broken: str
) -> None:
    """And keeps what it gave before it broke."""
    home = folder({name: written(FERRY, DAM)})
    archive.add([home])
    folder({name: broken})
    (error,) = archive.update().rejected
    assert "what it gave earlier stays" in error.reason
    suffix = Path(name).suffix
    tried: list[Path] = []
    real = SPLITTERS[suffix]
    monkeypatch.setitem(SPLITTERS, suffix, lambda file, *rest: tried.append(file) or real(file, *rest))
    again = archive.update()
    assert (again.waiting, again.removed, tried) == (1, 0, [])
    assert archive.census()["articles"] == 2
    folder({name: written(FERRY)})
    mended = archive.update()
    assert (mended.unchanged, mended.removed, tried) == (1, 1, [home / name])


def test_what_cannot_be_taken_is_named_with_its_line(run: Run, folder: Folder) -> None:
    """A digest alone would not be found in the file."""
    home = folder({"a.jsonl": '{"text": "One."}\n{"id": "x", "title": "Two"}\n{"title": "Three"}'})
    err = run("add", str(home))[2].splitlines()
    assert err[0] == f'not taken: {home}/a.jsonl#x: line 2: no "text" in it'
    assert err[1].endswith(': line 3: no "text" in it')


def test_what_is_broken_in_a_file_goes_with_it(archive: Archive, folder: Folder) -> None:
    """Taken out by name, it is not listed any more."""
    home = folder({"a.jsonl": '{"text": "One."}\n{"text": ', "b.txt": "The dam cracked."})
    archive.add([home])
    assert archive.remove([home / "a.jsonl"]) == 1
    assert archive.status()["not_taken"] == {}


def test_a_file_of_another_kind_is_named_once(archive: Archive, folder: Folder) -> None:
    """By its name, its content or where it leads; what may pass by itself, as a disk that is not mounted, is named each time."""
    home = folder({"a.txt": "The dam cracked.", "photo.jpg": "x", "b.txt": "%PDF-1.4", "c.txt.gz": "x", "gone/d.txt": "It sank."})
    (home / "link").symlink_to(home / "gone")
    (home / "out.txt").symlink_to(home.parent)
    names = ["b.txt", "c.txt.gz", "link", "out.txt", "photo.jpg"]
    assert sorted(Path(error.path).name for error in archive.add([home, home / "gone"]).rejected) == names
    again = archive.update()
    assert (again.rejected, again.waiting) == ([], 5)
    (home / "b.txt").write_text("%PDF-1.5")
    (home / "photo.jpg").write_text("y")
    assert [Path(error.path).name for error in archive.update().rejected] == ["b.txt"]


def test_a_place_that_is_missing_is_named_each_time(archive: Archive, folder: Folder) -> None:
    """It may come back by itself."""
    home = folder({"a/a.txt": "The dam cracked.", "b/b.txt": "The ferry sank."})
    archive.add([home / "a", home / "b"])
    (home / "b").rename(home / "c")
    for _ in range(2):
        assert [Path(error.path).name for error in archive.update().rejected] == ["b"]
