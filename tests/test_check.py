"""Damage of every kind: named by `check`, mended by `check --repair`, and never an answer that is not what was written."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from fakes import BagEncoder

from index import Archive, Filters, blocks
from index import check as check_module
from index.blocks import Seal
from index.errors import ClippingsError, CorruptError
from index.store import Store

Folder = Callable[[dict[str, str]], Path]

HEAD = "---\noutlet: Courier {}\ndate: 2014-06-{}\n---\n"
ARTICLES = {
    f"a{n}.txt": HEAD.format(n % 3, n + 10) + f"Story {n} of the ferry. The dam number {n} cracked. It rained for {n} days."
    for n in range(8)
}
QUERIES = ("ferry", "which dam cracked", "story 5", "it rained for 7 days")
LIMITS = (Filters(), Filters(("courier 1",)), Filters(since="2014-06-12", until="2014-06-14"))


@pytest.fixture
def home(folder: Folder) -> Path:
    return folder(ARTICLES)


@pytest.fixture
def whole(archive: Archive, home: Path) -> Archive:
    """Two segments, one with a dead row."""
    archive.add([home])
    (home / "a3.txt").write_text("Story 3 was another. The tram stopped.")
    archive.add([home])
    archive._engine._store.close()
    return Archive(archive.path, BagEncoder())


def answers(path: Path) -> list[object]:
    """Everything that an archive says, read by a fresh process' way in."""
    archive = Archive(path, BagEncoder())
    hits = [
        [(archive.article(hit.passage.article_id), archive.text(hit.passage), hit.why) for hit in archive.search(query, filters=limits)]
        for query in QUERIES
        for limits in LIMITS
    ]
    status = {name: value for name, value in archive.status().items() if name != "bytes"}
    return [
        hits,
        sorted(article.id for article in archive.articles()),
        status,
        [article.title for article in archive.newest(3)],
        archive.outlets(),
        list(map(archive.reach, LIMITS)),
    ]


def test_an_archive_is_whole(whole: Archive) -> None:
    """As it is written, and after a repair that has nothing to do."""
    assert (whole.check().whole, whole.check().problems) == (True, [])
    assert whole.repair().done == []


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a segment's folder is gone": lambda path: shutil.rmtree(next((path / "seg").iterdir())),
    "a vector file is gone": lambda path: next((path / "seg").glob("*/vectors.faiss")).unlink(),
    "a vector file is cut short": lambda path: os.truncate(next((path / "seg").glob("*/vectors.faiss")), 100),
    "a vector file has a zero page": lambda path: next((path / "seg").glob("*/vectors.faiss")).write_bytes(bytes(4096)),
    "two files are swapped": lambda path: swap(*list((path / "seg").glob("*/ids.npy"))[:2]),
    "a passage is gone": lambda path: change(path, "DELETE FROM passage WHERE id = 2"),
    "a passage ends elsewhere": lambda path: change(path, "UPDATE passage SET end = end - 1 WHERE id = 2"),
    "a segment is forgotten": lambda path: change(path, "DELETE FROM segment WHERE place = 0"),
    "a dead row lives again": lambda path: change(path, "UPDATE segment SET dead = zeroblob(length(dead))"),
    "a place is changed": lambda path: change(path, "UPDATE place SET path = path || 'x'"),
    "the counts are changed": lambda path: change(path, "UPDATE meta SET value = replace(value, '2014', '2015') WHERE name = 'census'"),
    "a segment has a row more": lambda path: change(path, "UPDATE segment SET passages = passages + 1"),
    "a segment has no files": lambda path: change(path, "UPDATE segment SET files = '{}'"),
    "the next number is another": lambda path: change(path, "UPDATE meta SET value = '1' WHERE name = 'next'"),
    "the next number is none": lambda path: change(path, "UPDATE meta SET value = 'null' WHERE name = 'next'"),
    "the manifest is gone": lambda path: change(path, "DELETE FROM segment"),
    "the manifest is no JSON": lambda path: change(path, "UPDATE segment SET files = substr(files, 2)"),
}


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path / "store.db") as store:
        store.execute(statement)
    store.close()


def swap(one: Path, other: Path) -> None:
    held = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(held)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_and_mended(whole: Archive, damage: str) -> None:
    """Nothing is lost where the text is whole: afterwards it answers as before."""
    before = answers(whole.path)
    DAMAGE[damage](whole.path)
    damaged = Archive(whole.path, BagEncoder())
    checked = damaged.check()
    assert not checked.whole
    assert checked.problems
    mended = damaged.repair()
    assert mended.whole, mended
    assert not any(line.startswith("lost") for line in mended.done)
    after = answers(whole.path)
    if damage == "a place is changed":  # all that a repair cannot know
        before[2]["places"] = []  # type: ignore[call-overload,index]
    assert after == before


def test_a_damaged_article_is_read_again_or_named_as_lost(whole: Archive, home: Path) -> None:
    """From its file where that is there; the others stay."""
    (home / "a5.txt").unlink()
    change(whole.path, "UPDATE article SET text = replace(text, 'ferry', 'cherry') WHERE path LIKE '%a5.txt' OR path LIKE '%a6.txt'")
    checked = Archive(whole.path, BagEncoder()).repair()
    assert sum("is not what was written" in line for line in checked.problems) == 2
    assert [line.split(":")[0] for line in checked.done] == ["made again", "lost", "read again"]
    assert checked.done[1].endswith("a5.txt")
    assert not checked.whole
    again = Archive(whole.path, BagEncoder())
    assert again.check().whole
    assert again.census()["articles"] == 7
    assert "ferry" in again.text(again.search("story 6 ferry")[0].passage)


def test_a_repair_reads_again_what_is_damaged_and_nothing_else(archive: Archive, folder: Folder) -> None:
    """A file that has changed since takes no sound article away; what it no longer has is named as lost."""
    lines = [json.dumps({"_id": name, "text": f"Story {name} is here."}) for name in "abcd"]
    home = folder({"wire.jsonl": "\n".join(lines), "blank.txt": "Once it said something."})
    archive.add([home])
    folder({"wire.jsonl": lines[0], "blank.txt": " "})
    change(archive.path, "UPDATE article SET text = text || 'x' WHERE path LIKE '%#a' OR path LIKE '%#b' OR path LIKE '%blank.txt'")
    again = Archive(archive.path, BagEncoder())
    checked = again.repair()
    assert [(line.split(":")[0], line[-3:]) for line in checked.done[1:]] == [("lost", "txt"), ("read again", "l#a"), ("lost", "l#b")]
    assert not checked.whole
    assert sorted(article.path[-2:] for article in again.articles()) == ["#a", "#c", "#d"]


def test_an_article_that_is_no_text_any_more_is_named(whole: Archive, home: Path) -> None:
    """One byte of it that is not UTF-8: the others are found as before."""
    change(whole.path, "UPDATE article SET text = CAST(x'ff41' AS TEXT) WHERE path LIKE '%a5.txt'")
    damaged = Archive(whole.path, BagEncoder())
    assert [line for line in damaged.check().problems if "a5.txt" in line]
    assert damaged.repair().whole
    assert "Story 5" in damaged.article(damaged.search("story 5")[0].passage.article_id).text


@pytest.mark.parametrize("path", ["replace(path, 'a7', 'a3')", "CAST(x'2ff3' AS TEXT)"])
def test_a_damaged_path_is_not_taken_for_that_of_another_article(whole: Archive, home: Path, path: str) -> None:
    """One bit makes a7.txt a3.txt, which is there and sound, or no text: it is named as lost, and an add takes it in again."""
    change(whole.path, f"UPDATE article SET path = {path} WHERE path LIKE '%a7.txt'")
    checked = Archive(whole.path, BagEncoder()).repair()
    assert not checked.whole
    assert [line.split(" ")[:2] for line in checked.done] == [["made", "again:"], ["lost:", "article"]]
    again = Archive(whole.path, BagEncoder())
    assert again.census()["articles"] == 7
    assert again.add([home]).new == 1


def test_a_half_deleted_leftover_is_not_taken_for_a_segment(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an add that was killed before its commit: the next one, which writes the same, does not trust it."""
    home = folder({"ferry.txt": "The ferry sank."})
    with monkeypatch.context() as patched:
        patched.setattr("index.store.Store.commit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archive.add([home])
    next(archive.path.glob("seg/*/vectors.faiss")).unlink()
    archive.add([home])
    assert archive.check().problems == []
    assert len(archive.search("ferry")) == 1


def test_a_check_beside_a_writer_raises_no_alarm(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit between the look at the manifest and the look at the files: it looks again."""
    archive.add([folder({"ferry.txt": "The ferry sank."})])
    real = blocks.flaws

    def late(home: Path, seals: Mapping[str, Seal]) -> Iterator[str]:
        monkeypatch.setattr(blocks, "flaws", real)
        Archive(archive.path, BagEncoder()).add([folder({"ferry.txt": "The ferry was raised."})])
        return real(home, seals)

    monkeypatch.setattr(blocks, "flaws", late)
    assert Archive(archive.path, BagEncoder()).check().problems == []


def test_a_repair_that_is_killed_changes_nothing(whole: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is the truth, and it is not let go before there is something in its place."""
    DAMAGE["a vector file is gone"](whole.path)
    encoder = BagEncoder()

    def killed(texts: list[str], progress: object = None) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(encoder, "encode", killed)
    with pytest.raises(KeyboardInterrupt):
        Archive(whole.path, encoder).repair()
    assert Archive(whole.path, BagEncoder()).repair().whole


def test_only_what_has_no_vector_is_embedded_again(whole: Archive) -> None:
    """Vectors of whole segments are kept."""
    change(whole.path, "UPDATE passage SET end = end - 1 WHERE id = 2")
    encoder = BagEncoder()
    assert Archive(whole.path, encoder).repair().whole
    assert len(encoder.encoded) == 1


def flips(path: Path, count: int, seed: int, noticed: type[Exception] = ClippingsError, mend: bool = True) -> Counter[str]:
    """Flip one bit, anywhere in any file, look, put it back; how often it changed nothing, or was noticed, and what a repair made of it."""
    rng = random.Random(seed)
    expected = answers(path)
    kept = shutil.copytree(path, path.with_name("kept"))
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    sizes = [file.stat().st_size for file in files]
    found: Counter[str] = Counter()
    for _ in range(count):
        (file,) = rng.choices(files, sizes)
        held = file.read_bytes()
        place = rng.randrange(len(held))
        file.write_bytes(held[:place] + bytes([held[place] ^ 1 << rng.randrange(8)]) + held[place + 1 :])
        try:
            found["harmless" if answers(path) == expected else "silent"] += 1
        except noticed:
            found["noticed"] += 1
            if mend:
                found[after_repair(path, expected)] += 1
                shutil.rmtree(path)
                shutil.copytree(kept, path)
        file.write_bytes(held)
    return found


def after_repair(path: Path, expected: list[object]) -> str:
    """What `check` and `check --repair` make of damage that an answer met: it is named, and mended, or the loss is named."""
    try:
        problems = Archive(path, BagEncoder()).check().problems
        if not problems:
            return "not named"
        mended = Archive(path, BagEncoder()).repair()
    except ClippingsError as error:
        return "named, not mendable in place" if str(path) in str(error) else "not named"
    if any(line.startswith("lost") for line in mended.done):
        return "mended but for what is named as lost"
    if not mended.whole:
        return "named, not mendable in place"
    without = {"places"} if any("the list of places" in line for line in problems) else set()  # all that a repair cannot know
    return "mended" if loosely(answers(path), without) == loosely(expected, without) else "mended wrongly"


def loosely(answered: list[Any], without: set[str]) -> list[object]:
    """Answers without their order: an article that was read again comes last among its equals. And without a part of the status."""
    hits, ids, status, titles, *counts = answered
    found = [sorted((article.id, text, why.terms) for article, text, why in query) for query in hits]
    return [found, ids, {name: value for name, value in status.items() if name not in without}, sorted(titles), counts]


@pytest.fixture
def quiet(whole: Archive, memory: Path) -> Path:
    """It, with nothing in a write-ahead log, so that a flip cannot be written over."""
    with sqlite3.connect(whole.path / "store.db") as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return Path(shutil.copytree(whole.path, memory / "copied"))


def test_flipped_bits_are_noticed(quiet: Path) -> None:
    """The loop of the nightly test, in seconds."""
    found = flips(quiet, 120, seed=1)
    assert (found["silent"], found["not named"], found["mended wrongly"]) == (0, 0, 0)
    assert found["mended"] > 10


@pytest.mark.nightly
def test_ten_thousand_flipped_bits_are_noticed(quiet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None changes an answer in silence."""
    found = flips(quiet, 10_000, seed=2)
    with capsys.disabled():
        sys.stdout.write(f"\n10,000 bit flips: {dict(found)}\n")
    assert (found["silent"], found["not named"], found["mended wrongly"]) == (0, 0, 0)


def test_the_flips_can_be_silent(quiet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without the digests of the files and rows, some are."""
    from index import store

    monkeypatch.setattr(blocks, "_digest", lambda _: bytes(16))
    monkeypatch.setattr(blocks.File, "check", lambda *_: None)
    monkeypatch.setattr(store, "_digest", lambda *_: "")
    change(quiet, "UPDATE article SET digest = ''")
    change(quiet, "UPDATE passage SET digest = ''")
    change(quiet, "UPDATE place SET digest = ''")
    change(quiet, "UPDATE meta SET value = '\"\"' WHERE name = 'manifest'")
    assert flips(quiet, 200, seed=1, noticed=Exception, mend=False)["silent"] > 0


def test_a_flip_can_go_unnamed(quiet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of what follows a flip: a check that sees no segments."""
    monkeypatch.setattr(check_module.blocks, "flaws", lambda *_: [])
    monkeypatch.setattr(check_module, "_numbers", lambda folder, one: [])
    monkeypatch.setattr(Store, "numbers", lambda _: [])
    assert flips(quiet, 60, seed=1)["not named"] > 0


def test_the_command(run: Run, home: Path) -> None:
    """Its exit code says so; --repair mends."""
    run("add", str(home))
    assert run("check") == (0, "whole\n", "")
    shutil.rmtree(next(Path("archive/seg").iterdir()))
    code, out, _ = run("check")
    assert (code, out.splitlines()[-1]) == (1, "not whole: 'clippings check --repair' mends what can be")
    assert "cannot be read" in out
    code, out, _ = run("check", "--repair")
    assert (code, out.splitlines()[-2:]) == (0, ["made again: 8 articles", "whole"])
    assert run("check")[0] == 0


def test_a_list_of_articles_that_was_damaged_is_named_and_mended(quiet: Path, home: Path) -> None:
    """Its copies of paths and digests stand in an index. No answer changes by it; an add says so."""
    expected = answers(quiet)
    held = (quiet / "store.db").read_bytes()
    copies = [found.start() for found in re.finditer(re.escape(str(home / "a5.txt").encode()), held)]
    for at in copies:
        (quiet / "store.db").write_bytes(held[:at] + b"?" + held[at + 1 :])
        if not any("is not what was written (" in line for line in Archive(quiet, BagEncoder()).check().problems):
            break  # the index, and not the row
    assert answers(quiet) == expected
    assert Archive(quiet, BagEncoder()).check().problems
    with pytest.raises(CorruptError, match="clippings check --repair"):
        Archive(quiet, BagEncoder()).add([home])
    assert Archive(quiet, BagEncoder()).repair().whole
    assert loosely(answers(quiet), set()) == loosely(expected, set())
