"""What an archive remembers: the places it was given, what was taken out, what could not be taken, and what only moved."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run
from fakes import BagEncoder

from index import Archive, Filters, articles
from index.commit import StoreWriter
from index.errors import UsageError

Folder = Callable[[dict[str, str]], Path]

FERRY = "The ferry sank off Selwyn. Nine people died."
DAM = "The dam cracked on Sunday."


def names(archive: Archive) -> list[str]:
    return sorted(Path(article.path).name for article in archive.articles())


def test_update_keeps_to_the_places_that_were_given(archive: Archive, folder: Folder, tmp_path: Path) -> None:
    """New, changed and vanished files below them, without naming them again."""
    home = folder({"a/ferry.txt": FERRY, "b/dam.txt": DAM})
    archive.add([home / "a"])
    archive.add([home / "b" / "dam.txt"])
    folder({"a/tram.txt": "The tram stopped.", "b/other.txt": "Not asked for."})
    (home / "a" / "ferry.txt").unlink()
    added = Archive(archive.path, BagEncoder()).update()
    assert (added.new, added.unchanged, added.removed) == (1, 1, 1)
    assert names(archive) == ["dam.txt", "tram.txt"]


def test_a_place_that_is_gone_keeps_its_articles(archive: Archive, folder: Folder) -> None:
    """A disk that is not mounted is no reason to forget: it is named."""
    home = folder({"a/ferry.txt": FERRY, "b/dam.txt": DAM})
    archive.add([home / "a", home / "b"])
    shutil.rmtree(home / "a")
    added = archive.update()
    assert (added.removed, added.unchanged) == (0, 1)
    assert [error.reason for error in added.rejected] == ["not there, or empty, now; its articles stay ('clippings remove' takes them out)"]
    assert names(archive) == ["dam.txt", "ferry.txt"]
    (home / "a").mkdir()  # as a disk that is not mounted leaves it
    assert archive.update().removed == 0
    with pytest.raises(UsageError, match=r"no files in .*a; nothing was changed"):
        archive.add([home / "b", home / "a"])
    assert archive.remove([home / "a"]) == 1
    assert archive.update().rejected == []


def test_a_place_that_gave_nothing_can_be_taken_out(archive: Archive, folder: Folder) -> None:
    """Or every update would name it."""
    home = folder({"a/empty.txt": " ", "b/dam.txt": DAM})
    archive.add([home / "a", home / "b"])
    assert archive.remove([home / "a"]) == 0
    assert archive.status()["places"] == [str(home / "b")]
    assert archive.status()["not_taken"] == {}


def test_a_file_given_beside_its_folder_is_of_the_folder(archive: Archive, folder: Folder) -> None:
    """When it is renamed, it is not kept twice."""
    home = folder({"a.txt": FERRY, "b.txt": DAM})
    archive.add([home])
    archive.add([home / "a.txt"])
    (home / "a.txt").rename(home / "c.txt")
    added = archive.update()
    assert (added.renamed, added.removed, added.rejected) == (1, 0, [])
    assert names(archive) == ["b.txt", "c.txt"]


def test_a_bad_line_keeps_itself_and_not_its_neighbours(archive: Archive, folder: Folder) -> None:
    """Of the lines of a file, those that vanished go, though another cannot be taken."""
    lines = [{"_id": name, "text": f"Story {name} is here."} for name in "abc"]
    home = folder({"wire.jsonl": "\n".join(map(json.dumps, lines))})
    archive.add([home])
    folder({"wire.jsonl": "\n".join(map(json.dumps, [lines[1], {"_id": "c", "text": ""}]))})
    added = archive.update()
    assert (added.removed, added.unchanged, len(added.rejected)) == (1, 1, 1)
    assert names(archive) == ["wire.jsonl#b", "wire.jsonl#c"]


def test_a_fault_in_a_line_is_a_fault_of_its_file(archive: Archive, folder: Folder) -> None:
    """Front matter that is no YAML is not tried again until it changes."""
    home = folder({"a.txt": "---\ntitle: [\n---\nText.", "b.txt": DAM})
    (error,) = archive.add([home]).rejected
    assert "line " in error.reason
    again = archive.update()
    assert (again.waiting, again.rejected) == (1, [])


def test_update_of_an_archive_that_was_given_nothing(archive: Archive, folder: Folder) -> None:
    """It says how to give it something."""
    home = folder({"ferry.txt": FERRY})
    archive.add([home])
    archive.remove([home])
    with pytest.raises(UsageError, match="was given no file or folder"):
        archive.update()


def test_what_was_taken_out_stays_out(archive: Archive, folder: Folder) -> None:
    """Of the folder that is kept up to date; until it is given by name."""
    home = folder({"old/ferry.txt": FERRY, "dam.txt": DAM, "wire.jsonl": json.dumps({"_id": "x", "text": "A tram."})})
    archive.add([home])
    assert archive.remove([home / "old", home / "wire.jsonl#x"]) == 2
    for again in (archive.update(), archive.add([home])):
        assert (again.new, again.left_out) == (0, 2)
    assert names(archive) == ["dam.txt"]
    assert archive.status()["left_out"] == [str(home / "old"), str(home / "wire.jsonl#x")]
    assert archive.add([home / "old"]).new == 1
    assert archive.update().left_out == 1
    assert names(archive) == ["dam.txt", "ferry.txt"]


def test_an_article_is_taken_out_by_its_id(archive: Archive, folder: Folder) -> None:
    """As search and ask print it."""
    home = folder({"ferry.txt": FERRY, "dam.txt": DAM})
    archive.add([home])
    assert archive.remove([Path(articles.article_id(str(home / "ferry.txt")))]) == 1
    assert archive.update().left_out == 1
    assert names(archive) == ["dam.txt"]


def test_a_renamed_file_is_embedded_no_more(archive: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """Nor is one that moved, or a copy; the old name is gone."""
    home = folder({"ferry.txt": FERRY, "dam.txt": DAM})
    archive.add([home])
    encoder.encoded.clear()
    (home / "sub").mkdir()
    (home / "ferry.txt").rename(home / "sub" / "boat.txt")
    shutil.copy(home / "dam.txt", home / "copy.txt")
    added = archive.add([home])
    assert (added.renamed, added.new, added.changed, added.unchanged, added.removed, added.embedded) == (1, 1, 0, 1, 0, 0)
    assert encoder.encoded == []
    assert names(archive) == ["boat.txt", "copy.txt", "dam.txt"]
    assert archive.text(archive.search("ferry Selwyn", legs=("dense",))[0].passage) == FERRY


def test_a_renamed_folder_is_embedded_no_more(
    archive: Archive, folder: Folder, encoder: BagEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many commits that takes: an article stands by its old name until it does by its new one, and what is gone is gone at once."""
    home = folder({**{f"old/{number}.txt": f"Story {number} is here." for number in range(5)}, "dam.txt": DAM})
    archive.add([home])
    encoder.encoded.clear()
    monkeypatch.setattr("index.update._BATCH", 2)
    (home / "old").rename(home / "new")
    (home / "dam.txt").unlink()
    held = []
    taken = StoreWriter.take

    def take(self: StoreWriter, *given: object) -> None:
        taken(self, *given)
        held.append(sorted(Path(path).name for path in self.known()))

    monkeypatch.setattr(StoreWriter, "take", take)
    added = archive.update()
    assert (added.renamed, added.new, added.removed, added.embedded, encoder.encoded) == (5, 0, 1, 0, [])
    assert held == [[f"{number}.txt" for number in range(5)]] * 3


def test_the_same_bytes_in_another_format_are_another_text(archive: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """A heading in Markdown is none in plain text: it is embedded as what it is."""
    home = folder({"a.txt": f"# Harbour\n\n{FERRY}"})
    archive.add([home])
    encoder.encoded.clear()
    (home / "a.txt").rename(home / "a.md")
    archive.add([home])
    fresh = Archive(home.parent / "fresh", BagEncoder())
    fresh.add([home])
    query = encoder.encode(["ferry harbour"])[0]
    with archive.snapshot() as current, fresh.snapshot() as anew:
        assert current
        assert anew
        scores, others = (one.rank_meaning(query, 1, Filters()).values() for one in (current, anew))
        assert list(scores) == list(others)


def test_two_files_that_change_names_are_known_by_their_content(archive: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """Both changed; neither is embedded."""
    home = folder({"a.txt": FERRY, "b.txt": DAM})
    archive.add([home])
    encoder.encoded.clear()
    folder({"a.txt": DAM, "b.txt": FERRY})
    added = archive.add([home])
    assert (added.changed, added.embedded, encoder.encoded) == (2, 0, [])
    hit = archive.search("ferry Selwyn", 1)[0]
    assert Path(archive.article(hit.passage.article_id).path).name == "b.txt"


def test_what_cannot_be_taken_is_listed_and_not_tried_again(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until its bytes change, or it goes."""
    home = folder({"ferry.txt": FERRY, "empty.txt": "   ", "wire.jsonl": '{"_id": "a", "text": ""}\n{"_id": "b", "text": "A tram."}'})
    assert len(archive.add([home]).rejected) == 2
    assert sorted(Path(path).name for path in archive.status()["not_taken"]) == ["empty.txt", "wire.jsonl#a"]
    read: list[str] = []
    real = articles.read
    monkeypatch.setattr(articles, "read", lambda source, note: read.append(Path(source.path).name) or real(source, note))
    again = archive.update()
    assert (again.waiting, again.rejected, read) == (2, [], [])
    (home / "empty.txt").write_text(DAM)
    (home / "wire.jsonl").unlink()
    later = archive.update()
    assert (later.new, later.waiting, later.removed) == (1, 0, 1)
    assert archive.status()["not_taken"] == {}


def test_a_changed_file_is_found_whatever_its_clock_says(archive: Archive, folder: Folder) -> None:
    """Same size, same time, other bytes; and a touched file is the same."""
    import os

    home = folder({"ferry.txt": FERRY, "dam.txt": DAM})
    archive.add([home])
    stat = (home / "ferry.txt").stat()
    (home / "ferry.txt").write_text(FERRY.replace("Nine", "Five"))
    os.utime(home / "ferry.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.utime(home / "dam.txt", (0, 0))
    added = archive.update()
    assert (added.changed, added.unchanged, added.embedded) == (1, 1, 1)


def test_the_commands_say_it(run: Run, folder: Folder) -> None:
    """update, what waits, what was left out, and status with all of it."""
    home = folder({"a.txt": FERRY, "b.txt": DAM, "bad.txt": " "})
    assert run("add", str(home))[0] == 1
    assert run("remove", str(home / "a.txt"))[:2] == (0, "removed 1\n")
    code, out, err = run("update")
    assert (code, out) == (1, "new 0, changed 0, unchanged 1, removed 0; embedded 0 passages; not taken 1\n")
    assert "1 that could not be taken earlier and have not changed" in err
    assert "left out: 1" in err
    shown = run("status")[1].splitlines()
    assert f"from      {home}" in shown
    assert f"left out  {home / 'a.txt'}" in shown
    assert f"not taken {home / 'bad.txt'}: no article text in it" in shown
    (home / "bad.txt").rename(home / "c.txt")
    (home / "c.txt").write_text("Now it says something.")
    (home / "b.txt").rename(home / "d.txt")
    code, out, _ = run("update")
    assert (code, out) == (0, "new 1, changed 0, unchanged 0, removed 0, renamed 1; embedded 1 passages\n")
    assert run("update", "--archive", "nowhere")[0] == 2


def test_a_wrong_name_among_right_ones_takes_nothing_out(archive: Archive, folder: Folder) -> None:
    """It is named, and is not left out for ever where it lies below a folder that is kept up to date."""
    home = folder({"ferry.txt": "The ferry sank.", "dam.txt": "The dam cracked."})
    archive.add([home])
    with pytest.raises(UsageError, match=r"no article of the archive is from .*typo\.txt; nothing was changed"):
        archive.remove([home / "ferry.txt", home / "typo.txt"])
    assert archive.census()["articles"] == 2
    assert archive.status()["left_out"] == []


@pytest.mark.parametrize("key", ["https://u.example/x", "tail/", "plain"])
def test_what_is_taken_out_by_id_stays_out_whatever_its_key(archive: Archive, folder: Folder, key: str) -> None:
    """A key may be an address, which is no path of files."""
    home = folder({"a.jsonl": json.dumps({"id": key, "text": "The ferry sank."}) + "\n" + json.dumps({"id": "b", "text": "It rained."})})
    archive.add([home])
    (taken,) = (one.id for one in archive.articles() if one.text == "The ferry sank.")
    archive.take_out(taken)
    archive.update()
    assert [one.text for one in archive.articles()] == ["It rained."]
    archive.add([home])
    assert archive.remove([Path(next(archive.articles()).id)]) == 1
    archive.update()
    assert list(archive.articles()) == []
