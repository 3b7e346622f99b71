"""Milvus against a folder over outside data: the same lists by words, and hit rates within half a point."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from conftest import SHARED

from eval import measure, run
from eval.beir import beir
from eval.encodings import Kept
from index import Archive
from index.encoder import SentenceEncoder

MEASURES = ("hit@1", "hit@5", "MRR@10", "nDCG@10")


@pytest.mark.nightly
@pytest.mark.model
@pytest.mark.parametrize("name", ["cranfield", "multihoprag", "scifact"])
def test_the_engines_find_the_same(milvus: str, tmp_path: Path, name: str) -> None:
    """By words the same ten in order for 99 questions in 100, the rest ties; by both legs hit rates within .005."""
    folder = SHARED / "data" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    kept = Kept(SentenceEncoder(), tmp_path / "encodings")
    archives = [Archive(place, kept) for place in (tmp_path / "archive", f"{milvus}/same_{uuid4().hex[:8]}")]
    for archive in archives:
        archive.add([folder / "corpus.jsonl"])
    questions = beir(folder)
    here, there = (
        [[hit.passage for hit in archive.search(one.text, 10, legs=("bm25",))] for one in questions.answerable] for archive in archives
    )
    assert sum(map(list.__eq__, here, there)) >= 0.99 * len(here)
    judged = run.qrels(questions, archives[0])
    means = [mean(measure.per_question(judged, run.search(questions, archive, run.MAIN).ranked)) for archive in archives]
    assert means[1] == pytest.approx(means[0], abs=0.005)


def mean(rows: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows.values()) / len(rows) for name in MEASURES}
