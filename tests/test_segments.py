"""Many segments, tombstones and merges: whatever the history, an archive answers as one that was made anew."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import BagEncoder
from numpy.typing import NDArray

from index import Archive, Filters, commit, dense, facets, generation
from index.bm25 import BM25, Postings

Folder = Callable[[dict[str, str]], Path]

WORDS = "ferry dam tram strike river bank vote storm mayor bridge".split()
QUERIES = ("ferry dam", "the mayor and the storm", "strike", "river bank vote")


@pytest.fixture
def lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few segments are many, and dead rows stay for long."""
    monkeypatch.setattr(commit, "_MOST", 4)
    monkeypatch.setattr(commit, "_LIVE", 0.2)


LIMITS = (Filters(), Filters(("herald",)), Filters(("Courier",), since="2014-06-03"), Filters(until="2014-06-05"))


def text(rng: random.Random) -> str:
    """Up to six sentences, so that some articles have several passages; an outlet, a date, both or neither."""
    head = [f"outlet: {rng.choice(['Courier', 'Herald', 'Post'])}"] * rng.randint(0, 1) + [
        f"date: 2014-06-0{rng.randint(1, 9)}"
    ] * rng.randint(0, 1)
    return "".join(f"{line}\n" for line in (["---", *head, "---"] if head else [])) + " ".join(
        f"{' '.join(rng.choices(WORDS, k=rng.randint(3, 14))).capitalize()}." for _ in range(rng.randint(1, 6))
    )


def rankings(archive: Archive, legs: tuple[str, ...], limits: Filters) -> list[list[tuple[str, int, int, float]]]:
    """Path, span and score of every hit, those of one score in the order of their names."""
    found = []
    for query in QUERIES:
        hits = archive.search(query, 1000, limits, legs)
        rows = [
            (Path(archive.article(hit.passage.article_id).path).name, hit.passage.start, hit.passage.end, round(hit.score, 5))
            for hit in hits
        ]
        found.append(sorted(rows, key=lambda row: (-row[3], row)))
    return found


def step(rng: random.Random, home: Path) -> None:
    """Add, change, rename or remove some files."""
    for _ in range(rng.randint(1, 3)):
        files = sorted(home.iterdir())
        action = rng.choice(["add", "add", "change", "rename", "remove", "copy"])
        new = home / f"n{rng.randrange(10**6)}.txt"
        if action == "add" or len(files) < 3:
            new.write_text(text(rng))
        elif action == "change":
            rng.choice(files).write_text(text(rng))
        elif action == "rename":
            rng.choice(files).rename(new)
        elif action == "copy":
            new.write_text(rng.choice(files).read_text())
        else:
            rng.choice(files).unlink()


def passing(archive: Archive, limits: Filters) -> int:
    """The articles within some limits, by looking at each."""
    names = [name.casefold() for name in limits.outlets]
    return sum(
        (not names or article.source.casefold() in names)
        and (not (limits.since or limits.until) or (limits.since or "0") <= article.published <= (limits.until or "9"))
        for article in archive.articles()
    )


def history(path: Path, seed: int, steps: int) -> int:
    """A random history, held against a new archive of the same files after each step; the most segments that there were."""
    rng = random.Random(seed)
    home = path / "articles"
    home.mkdir(parents=True)
    archive = Archive(path / "archive", BagEncoder())
    most = 0
    for number in range(steps):
        step(rng, home)
        archive.add([home])
        if rng.random() < 0.3:
            archive = Archive(path / "archive", BagEncoder())
        fresh = Archive(path / f"fresh{number}", BagEncoder())
        fresh.add([home])
        for legs in (("bm25",), ("dense",), ("bm25", "dense")):
            limits = rng.choice(LIMITS)
            assert rankings(archive, legs, limits) == rankings(fresh, legs, limits), f"seed {seed}, step {number}, {legs}"
        held = [limits for limits in LIMITS if not limits.outlets or limits.outlets[0].title() in archive.outlets()]
        assert [passing(archive, limits) for limits in held] == [archive.reach(limits).articles for limits in held]
        assert archive.census() == fresh.census()
        assert archive.check().problems == []
        most = max(most, len(list((archive.path / "seg").iterdir())))
    return most


@pytest.mark.usefixtures("lazy")
@pytest.mark.parametrize("seed", range(3))
def test_any_history_answers_as_an_archive_made_anew(tmp_path: Path, seed: int) -> None:
    """Ranks and scores of each leg, counts, and a check, after each of some random changes."""
    assert history(tmp_path, seed, 12) > 1


@pytest.mark.nightly
@pytest.mark.usefixtures("lazy")
def test_five_hundred_histories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 differences."""
    for seed in range(500):
        history(tmp_path / str(seed), seed, 6)
    with capsys.disabled():
        sys.stdout.write("\n500 histories of 6 steps: 0 differences\n")


@pytest.mark.usefixtures("lazy")
def test_a_history_can_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: where the lengths of dead rows stay in the mean, scores do."""

    class Careless(BM25):
        def __init__(self, *parts: Postings, alive: NDArray[np.bool_]) -> None:
            super().__init__(*parts, alive=alive)
            self._norms = [self.k1 * (1 - self.b + self.b * part.lengths / part.lengths.mean()) for part in parts]

    monkeypatch.setattr(generation, "BM25", Careless)
    with pytest.raises(AssertionError, match="bm25"):
        history(tmp_path, 1, 12)


@pytest.mark.usefixtures("lazy")
def test_filters_can_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another negative control: where a merge gives all articles one outlet, others pass."""
    whole = facets.merge

    def careless(parts: list[tuple[facets.Facets, NDArray[np.bool_]]]) -> facets.Facets:
        merged = whole(parts)
        return replace(merged, outlets=np.zeros_like(merged.outlets))

    monkeypatch.setattr(facets, "merge", careless)
    with pytest.raises(AssertionError):
        history(tmp_path, 2, 12)


def segments(archive: Archive) -> list[int]:
    """Rows of each segment, dead ones too."""
    return [one.passages for one in archive._engine._store.segments()]


def test_an_add_writes_what_is_new(archive: Archive, folder: Folder) -> None:
    """One small segment beside the large one, whose files are not touched."""
    archive.add([folder({f"{n}.txt": f"Story {n}." for n in range(30)})])
    (large,) = (archive.path / "seg").iterdir()
    before = {file.name: file.stat().st_mtime_ns for file in large.iterdir()}
    archive.add([folder({"31.txt": "Another."})])
    assert segments(archive) == [30, 1]
    assert {file.name: file.stat().st_mtime_ns for file in large.iterdir()} == before


def test_small_neighbours_are_joined(archive: Archive, folder: Folder) -> None:
    """When there are more than eight; the large one stays as it is."""
    archive.add([folder({f"a{n}.txt": f"Story {n}." for n in range(30)})])
    for n in range(9):
        archive.add([folder({f"b{n}.txt": f"Later story {n}."})])
    assert segments(archive)[0] == 30
    assert len(segments(archive)) <= 8
    assert sum(segments(archive)) == 39


def test_a_segment_that_is_dead_in_large_part_is_written_again(archive: Archive, folder: Folder) -> None:
    """And one without a living row goes."""
    home = folder({f"{n}.txt": f"Story {n}." for n in range(10)})
    archive.add([home])
    for n in range(3):
        (home / f"{n}.txt").unlink()
    archive.add([home])
    assert segments(archive) == [7]
    for file in list(home.iterdir())[1:]:
        file.unlink()
    archive.add([home])
    assert segments(archive) == [1]
    archive.remove([home])
    assert segments(archive) == []
    assert archive.search("story") == []


def test_an_archive_with_codes_answers_as_one_without(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tombstones and after a merge too; where it has codes, the manifest says what they are worth."""
    monkeypatch.setattr(commit, "_MOST", 1)
    rng = random.Random(1)
    home = folder({f"{n}.txt": text(rng) for n in range(400)})
    scanned, coded = (Archive(tmp_path / name, BagEncoder()) for name in ("scanned", "coded"))
    scanned.add([home])
    monkeypatch.setattr(dense, "FLAT", 100)
    coded.add([home])
    assert (scanned.status()["recall@10"], coded.status()["recall@10"]) == (None, 1.0)
    for archive in (scanned, coded):
        archive.remove([home / "7.txt", home / "8.txt"])
    assert rankings(coded, ("dense",), Filters()) == rankings(scanned, ("dense",), Filters())
    (home / "new.txt").write_text(text(rng))
    for archive in (scanned, coded):
        archive.update()
        assert archive.check().whole
    assert rankings(coded, ("dense",), Filters()) == rankings(scanned, ("dense",), Filters())
