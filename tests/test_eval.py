"""Judgements and measures, with figures worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval import dataset, measure, report, run
from eval.__main__ import evaluate
from index import Archive
from index.errors import UsageError
from index.records import Why
from qa.answer import Answer, Citation, Searched

Folder = Callable[[dict[str, str]], Path]

FERRY = "The ferry sank off Selwyn. Nine people died. It rained all night."


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder({"ferry.txt": FERRY, "dam.txt": "The dam cracked on Sunday. Nobody was hurt."})])
    return archive


def questions(tmp_path: Path, *records: object) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return file


def one(article: str, quote: str, name: str = "q1") -> dict[str, object]:
    return {"id": name, "question": "how many died", "kind": "how many", "evidence": [{"article": article, "quote": quote}]}


def test_a_quote_becomes_a_span(small: Archive, tmp_path: Path) -> None:
    """Of the article whose path ends so; passages that overlap it are relevant, and no others."""
    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died.")), small, "x")
    (evidence,) = data.questions[0].evidence
    assert small.article(evidence.article_id).text[evidence.start : evidence.end] == "Nine people died."
    judged = run.qrels(data, small)
    assert [key.split(":")[0] for key in judged["q1"]] == [evidence.article_id]


@pytest.mark.parametrize(
    ("article", "quote", "says"),
    [
        ("ferry.txt", "Ten people died.", "question q1: its quote stands 0 times in ferry.txt"),
        ("ferry.txt", "i", "question q1: its quote stands 4 times"),
        ("tram.txt", "Nine people died.", "question q1: 0 articles of the archive are named tram.txt"),
    ],
)
def test_gold_that_cannot_be_found_is_an_error(small: Archive, tmp_path: Path, article: str, quote: str, says: str) -> None:
    """It names the question; it is never a miss."""
    with pytest.raises(UsageError, match=says):
        dataset.from_questions(questions(tmp_path, one(article, quote)), small, "x")


def test_a_broken_line_of_questions_is_named(small: Archive, tmp_path: Path) -> None:
    """By its number."""
    file = questions(tmp_path, one("ferry.txt", "Nine people died."), {"id": "q2"})
    with pytest.raises(UsageError, match=r"questions.jsonl:2: it has no question, kind, evidence"):
        dataset.from_questions(file, small, "x")


def test_overlap_decides() -> None:
    """Half-open spans that share a character."""
    evidence = dataset.Evidence("a", 10, 20)
    assert evidence.overlaps("a", 19, 30)
    assert evidence.overlaps("a", 0, 11)
    assert not evidence.overlaps("a", 20, 30)
    assert not evidence.overlaps("b", 10, 20)


def test_measures_by_hand() -> None:
    """First, third, sixth, nowhere and nothing found: hit@1 1/5, hit@5 2/5, MRR (1 + 1/3 + 1/6) / 5."""
    judged = {"q1": {"a": 1}, "q2": {"a": 1}, "q3": {"a": 1}, "q4": {"a": 1}, "q5": {"a": 1}}
    ranked = {"q1": ["a", "b"], "q2": ["b", "c", "a"], "q3": ["b", "c", "d", "e", "f", "a"], "q4": ["b"], "q5": []}
    means = report.means(measure.per_question(judged, ranked))
    assert means["hit@1"] == pytest.approx(1 / 5)
    assert means["hit@5"] == pytest.approx(2 / 5)
    assert means["MRR@10"] == pytest.approx((1 + 1 / 3 + 1 / 6) / 5)
    assert means["nDCG@10"] == pytest.approx((1 + 0.5 + 1 / 2.807354922) / 5)


def test_evidence_hits_by_hand() -> None:
    """First at 1, at 5, and nowhere."""
    found = {"q1": [True, True], "q2": [False] * 4 + [True], "q3": [False] * 10}
    assert measure.evidence_hits(found) == pytest.approx({"Hits@4": 1 / 3, "Hits@10": 2 / 3, "MRR@10": (1 + 1 / 5) / 3})


def test_abstention_by_hand(small: Archive) -> None:
    """Two answerable, of which one is answered with the gold sentence; two not, of which one is answered all the same."""
    article = next(article for article in small.articles() if article.path.endswith("ferry.txt"))
    evidence = (dataset.Evidence(article.id, 27, 44),)

    def given(support: float, start: int = 0, end: int = 0) -> Answer:
        quotes = (Citation(1, article, start, end, article.text[start:end], Why(1, 1, ())),) if end else ()
        return Answer("q", "", quotes, (), Searched(1, 1, {}), support)

    asked = tuple(dataset.Question(name, name, "who", evidence) for name in ("a", "b"))
    others = tuple(dataset.Question(name, name, dataset.UNANSWERABLE) for name in ("c", "d"))
    answers = {"a": given(0.9, 27, 44), "b": given(0.2), "c": given(0.5, 0, 26), "d": given(0.1)}
    found = measure.abstention(dataset.Dataset("x", asked + others, "0", False), answers)
    assert (found.answered, found.answerable, found.abstained, found.unanswerable) == (1, 2, 1, 2)
    assert (found.headline_hits, found.auroc) == (1, pytest.approx(3 / 4))


def write_beir(home: Path) -> Path:
    (home / "qrels").mkdir(parents=True)
    corpus = [("d1", "Ferry", FERRY), ("d2", "Dam", "The dam cracked on Sunday."), ("d3", "Tram", "The tram stopped in Kestrel.")]
    lines = [json.dumps({"_id": name, "title": title, "text": text}) for name, title, text in corpus]
    (home / "corpus.jsonl").write_text("\n".join(lines))
    asked = [("q1", "when did the ferry sink off Selwyn"), ("q2", "tram in Kestrel"), ("q3", "not judged")]
    (home / "queries.jsonl").write_text("\n".join(json.dumps({"_id": name, "text": text}) for name, text in asked))
    (home / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n")
    quote = {"_id": "q1", "evidence": [{"doc": "d1", "quote": "Nine  people\ndied."}]}
    (home / "answers.jsonl").write_text(json.dumps(quote))
    return home


def test_a_beir_folder_is_scored_by_document(archive: Archive, tmp_path: Path) -> None:
    """Passages fold to their documents; unjudged queries do not count; gold sentences are looked for in passages."""
    home = write_beir(tmp_path / "set")
    archive.add([home / "corpus.jsonl"])
    archive.load()
    result = evaluate(archive, home)
    assert result.qrels == {"q1": {"d1": 1}, "q2": {"d2": 1}}
    bm25 = next(one for one in result.runs if one.name == "bm25")
    assert bm25.ranked["q1"][0] == "d1"
    assert bm25.ranked["q2"][0] == "d3"
    assert result.scores["bm25"]["q1"]["MRR@10"] == 1
    assert bm25.evidence["q1"][0] is True
    shown = report.screen(result)
    assert "2 answerable" in shown
    assert report.as_dict(result)["configurations"]["bm25"]["mean"]["hit@1"] == 0.5


def test_the_sample_screen_has_its_lines(small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each configuration, the abstentions, the quotes, the kinds, the worst."""
    other = {"id": "q2", "question": "who won the chess", "kind": "unanswerable", "evidence": []}
    file = questions(tmp_path, one("ferry.txt", "Nine people died."), other)
    monkeypatch.setattr(dataset, "SAMPLE_QUESTIONS", file)
    shown = report.screen(evaluate(small)).splitlines()
    assert [line.split()[0] for line in shown] == ["archive", "config", "bm25", "dense", "rrf", "hybrid", "no", "quotes", "by", "worst"]
    assert "1 answerable + 1 not" in shown[0]
