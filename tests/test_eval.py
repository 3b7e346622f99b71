"""Judgements and measures, with figures worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval import dataset, measure, report, run
from eval.beir import beir, check_held
from eval.encodings import Kept
from eval.explain import explain
from eval.result import Result, evaluate, means
from index import Archive
from index.errors import UsageError
from index.records import Why
from qa.answer import Answer, Searched
from qa.citation import Citation

Folder = Callable[[dict[str, str]], Path]

ALL = list(run.CONFIGURATIONS)
FERRY = "The ferry sank off Selwyn. Nine people died. It rained all night."


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder({"ferry.txt": FERRY, "dam.txt": "The dam cracked on Sunday. Nobody was hurt."})])
    return archive


def questions(tmp_path: Path, *records: object) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return file


def one(article: str, quote: str, name: str = "q1") -> dict[str, Any]:
    return {"id": name, "question": "how many died", "kind": "how many", "evidence": [{"article": article, "quote": quote}]}


def scored(data: dataset.Dataset, archive: Archive, tmp_path: Path) -> Result:
    return evaluate(data, archive, ALL, tmp_path / "encodings", lambda stage, done, total: None)


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
        ("ferry.txt", "Ten people died.", "jsonl:1: question q1: its quote stands 0 times in ferry.txt, not once: 'Ten people died.'"),
        ("ferry.txt", "i", "jsonl:1: question q1: its quote stands 4 times"),
        ("tram.txt", "Nine people died.", "jsonl:1: question q1: 0 articles of the archive are named tram.txt"),
    ],
)
def test_gold_that_cannot_be_found_is_an_error(small: Archive, tmp_path: Path, article: str, quote: str, says: str) -> None:
    """It names the line, the question and the quote; it is never a miss."""
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
    found = means(measure.per_question(judged, ranked))
    assert found["hit@1"] == pytest.approx(1 / 5)
    assert found["hit@5"] == pytest.approx(2 / 5)
    assert found["MRR@10"] == pytest.approx((1 + 1 / 3 + 1 / 6) / 5)
    assert found["nDCG@10"] == pytest.approx((1 + 0.5 + 1 / 2.807354922) / 5)


def test_evidence_hits_by_hand() -> None:
    """First at 1, at 5, and nowhere."""
    found = {"q1": [True, True], "q2": [False] * 4 + [True], "q3": [False] * 10}
    assert means(measure.evidence_hits(found)) == pytest.approx({"Hits@4": 1 / 3, "Hits@10": 2 / 3, "MRR@10": (1 + 1 / 5) / 3})


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
    result = scored(beir(home), archive, tmp_path)
    assert result.qrels == {"q1": {"d1": 1}, "q2": {"d2": 1}}
    bm25 = result.baseline
    assert bm25.ranked["q1"][0] == "d1"
    assert bm25.ranked["q2"][0] == "d3"
    assert result.scores["bm25"]["q1"]["MRR@10"] == 1
    assert bm25.evidence["q1"][0] is True
    shown = report.screen(result)
    assert "2 answerable" in shown
    assert result.as_dict()["configurations"]["bm25"]["mean"]["hit@1"] == 0.5


def test_the_screen_has_its_lines(small: Archive, tmp_path: Path) -> None:
    """Each configuration, the abstentions, the quotes, the time, the kinds, the worst."""
    other = {"id": "q2", "question": "who won the chess", "kind": "unanswerable", "evidence": []}
    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died."), other), small, "x")
    shown = report.screen(scored(data, small, tmp_path)).splitlines()
    assert [line.split()[0] for line in shown] == ["archive", "config", *ALL, "no", "headline", "time", "by", "worst"]
    assert "1 answerable + 1 not" in shown[0]
    assert "baseline" in shown[2]
    assert "[all alike]" in shown[2]


@pytest.mark.parametrize(("names", "answering"), [(ALL, "hybrid"), (["hybrid", "dense"], "hybrid"), (["dense", "bm25"], "bm25")])
def test_the_main_configuration_answers(small: Archive, tmp_path: Path, names: list[str], answering: str) -> None:
    """The product's, or the last one where that is not run; the others are measured by what they find alone."""
    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died.")), small, "x")
    result = evaluate(data, small, names, tmp_path / "encodings", lambda stage, done, total: None)
    assert [one.name for one in result.runs if one.answers] == [result.main.name] == [answering]
    figures = result.as_dict()["configurations"]
    assert [name for name, found in figures.items() if "quote-F1" in found["mean"]] == [answering]
    assert [name for name, found in figures.items() if found["outcomes"]] == [answering]
    assert f"quote-F1 {report.short(figures[answering]['mean']['quote-F1'])} ({answering})" in report.screen(result)


def test_a_copy_counts_as_its_story(archive: Archive, folder: Folder, tmp_path: Path) -> None:
    """Found in the copy, it is found; found in both, it is found once; and a perfect ranking needs one of them."""
    text = "The ferry Marit sank off Selwyn with 31 aboard."
    archive.add([folder({"wire.txt": text, "copy.txt": f"{text} Rain.", "other.txt": "A tram stopped."})])
    record = one("wire.txt", text)
    record["evidence"].append({"article": "copy.txt", "quote": text, "copy_of": 0})
    data = dataset.from_questions(questions(tmp_path, record), archive, "x")
    judged = run.qrels(data, archive)
    assert len(judged["q1"]) == 1
    found = run.search(data, archive, "hybrid")
    assert found.ranked["q1"][0] in judged["q1"]
    assert len(found.ranked["q1"]) == 2  # the story once, and the tram
    assert measure.per_question(judged, found.ranked)["q1"]["nDCG@10"] == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": " "}, "question q1 is empty: write one, or delete the line"),
        ({"evidence": []}, "is of kind 'how many' and has 0 quotes"),
        ({"question": "?"}, "question q1 is empty"),
        ({"question": None}, "id, question and kind are texts"),
        ({"evidence": None}, "evidence is a list"),
        ({"id": "q 1"}, "an id is one word"),
        ({"id": ""}, "an id is one word"),
        ({"kind": "unanswerable"}, "is of kind 'unanswerable' and has 1 quotes"),
        ({"evidence": [{"article": "ferry.txt"}]}, "evidence has an article, a quote"),
        ({"evidence": ["Nine people died."]}, "evidence has an article, a quote"),
        ({"evidence": [{"article": "ferry.txt", "quote": "Nine people died.", "copy_of": 0}]}, "evidence has an article, a quote"),
    ],
)
def test_a_question_that_cannot_be_measured_is_an_error(small: Archive, tmp_path: Path, change: dict[str, Any], says: str) -> None:
    """Never a row of zeros."""
    with pytest.raises(UsageError, match=says):
        dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died.") | change), small, "x")


def test_a_copy_of_a_copy_is_of_the_first(archive: Archive, folder: Folder, tmp_path: Path) -> None:
    """However the list names it."""
    text = "The ferry Marit sank off Selwyn with 31 aboard."
    archive.add([folder({"a.txt": text, "b.txt": f"{text} Rain.", "c.txt": f"{text} Hail."})])
    record = one("a.txt", text)
    record["evidence"] += [{"article": f"{name}.txt", "quote": text, "copy_of": place} for name, place in (("b", 0), ("c", 1))]
    data = dataset.from_questions(questions(tmp_path, record), archive, "x")
    assert len(run.search(data, archive, "hybrid").ranked["q1"]) == 1


def test_graded_documents_by_hand(tmp_path: Path) -> None:
    """nDCG@10 has the grade as its gain: 1 then 3 of an ideal 3 then 1."""
    scores = measure.per_question({"q": {"a": 3, "b": 1}}, {"q": ["b", "a"]})
    assert scores["q"]["nDCG@10"] == pytest.approx((1 + 3 / 1.5849625007) / (3 + 1 / 1.5849625007))


def test_p_values_are_corrected_for_the_number_of_configurations(small: Archive) -> None:
    """Two against the baseline: the smaller one is doubled."""
    asked = tuple(dataset.Question(f"q{n}", "who", "who") for n in range(12))
    gains = {"bm25": [0.0] * 12, "dense": [1.0] * 6 + [0.0] * 6, "hybrid": [1.0] * 8 + [0.0] * 4}
    scores = {name: {q.id: {"MRR@10": gain} for q, gain in zip(asked, row, strict=True)} for name, row in gains.items()}
    runs = [run.Run(name, {}, 1.0) for name in gains]
    result = Result(dataset.Dataset("x", asked, "d", False), {}, "c", {}, runs, scores)
    assert result.differences["hybrid"][0].p == pytest.approx(2 / 2**8)
    assert result.differences["hybrid"][1] == pytest.approx(2 * 2 / 2**8)
    assert result.differences["dense"][1] == pytest.approx(2 / 2**6)


def test_a_quote_counts_in_its_own_document_only(archive: Archive, tmp_path: Path) -> None:
    """The same words elsewhere answer nothing."""
    home = write_beir(tmp_path / "set")
    quote = {"_id": "q1", "evidence": [{"doc": "d2", "quote": "Nine people died."}, {"doc": "d1", "quote": " "}]}
    (home / "answers.jsonl").write_text(json.dumps(quote))
    archive.add([home / "corpus.jsonl"])
    assert not any(run.search(beir(home), archive, "bm25").evidence["q1"])


def test_an_archive_of_other_documents_is_an_error(archive: Archive, folder: Folder, tmp_path: Path) -> None:
    """Not a table of zeros; some that are missing are named and count as missed."""
    home = write_beir(tmp_path / "set")
    archive.add([folder({"ferry.txt": FERRY})])
    with pytest.raises(UsageError, match="has none of the documents of set"):
        check_held(beir(home), archive)
    archive.add([home / "corpus.jsonl"])
    assert check_held(beir(home), archive) == []
    with (home / "qrels" / "test.tsv").open("a") as file:
        file.write("q1\td9\t1\n")
    assert check_held(beir(home), archive) == ["d9"]


def test_what_a_set_is_made_of_is_in_its_digest(tmp_path: Path) -> None:
    """Queries, judgements and quotes; and the kind that was chosen."""
    home = write_beir(tmp_path / "set")
    first = beir(home).digest
    (home / "queries.jsonl").write_text((home / "queries.jsonl").read_text().replace("when did", "where did"))
    second = beir(home).digest
    (home / "answers.jsonl").unlink()
    assert len({first, second, beir(home).digest}) == 3


@pytest.mark.parametrize("line", ["null", "5", '"id question kind evidence"', '{"id": "\\ud800"}', "[" * 100_000])
def test_a_line_that_is_no_object_is_named(small: Archive, tmp_path: Path, line: str) -> None:
    """Half a character, which no file can hold, too."""
    file = tmp_path / "questions.jsonl"
    file.write_text(line)
    with pytest.raises(UsageError, match=r"questions.jsonl:1: not a JSON object"):
        dataset.from_questions(file, small, "x")


def test_two_questions_of_one_name_are_an_error(small: Archive, tmp_path: Path) -> None:
    """One would hide the other."""
    record = one("ferry.txt", "Nine people died.")
    with pytest.raises(UsageError, match="jsonl:2: question q1 stands there twice"):
        dataset.from_questions(questions(tmp_path, record, record), small, "x")


def test_a_kind_that_is_not_there_names_those_that_are(small: Archive, tmp_path: Path) -> None:
    """As the error says."""
    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died.")), small, "x")
    assert len(data.of_kind("how many").questions) == 1
    assert data.of_kind("how many").digest != data.of_kind(None).digest == data.digest
    with pytest.raises(UsageError, match="x has no answerable question of kind 'why': it has how many"):
        data.of_kind("why")


def test_a_configuration_that_crashes_is_an_error(small: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a row of zeros."""

    def crash(words: object, meaning: object) -> dict[int, float]:
        raise RuntimeError("boom")

    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died.")), small, "x")
    monkeypatch.setitem(run.CONFIGURATIONS, "hybrid", (("bm25", "dense"), crash))
    with pytest.raises(RuntimeError, match="boom"):
        scored(data, small, tmp_path)


def test_a_question_that_finds_nothing_stays_in_the_mean(small: Archive, tmp_path: Path) -> None:
    """With 0."""
    lost = one("dam.txt", "Nobody was hurt.", "q2") | {"question": "zebra quagga"}
    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died."), lost), small, "x")
    result = scored(data, small, tmp_path)
    assert result.baseline.ranked["q2"] == []
    assert result.mean("bm25", "MRR@10") == 0.5


def test_quote_f1_by_hand(small: Archive) -> None:
    """Characters shared, twice, over both lengths: 10 of 20 and of 15 is 20 / 35; the evidence that fits best counts."""
    article = next(article for article in small.articles() if article.path.endswith("ferry.txt"))
    gold = (dataset.Evidence(article.id, 10, 25), dataset.Evidence(article.id, 40, 50), dataset.Evidence("other", 0, 20))

    def f1(start: int, end: int) -> float:
        quote = Citation(1, article, start, end, article.text[start:end], Why(1, 1, ()))
        return measure.quote_f1(dataset.Question("q", "q", "who", gold), Answer("q", "", (quote,), (), Searched(1, 1, {}), 1.0))

    assert f1(0, 20) == pytest.approx(20 / 35)
    assert f1(10, 25) == 1
    assert f1(38, 50) == pytest.approx(20 / 22)
    assert f1(25, 40) == 0
    assert measure.quote_f1(dataset.Question("q", "q", "who", gold), Answer("q", "", (), (), Searched(1, 1, {}), 0.0)) == 0


def test_encodings_are_kept(archive: Archive, tmp_path: Path) -> None:
    """A text is embedded once, in this run and the next, and comes back in its place."""
    encoder = archive.encoder
    kept = Kept(encoder, tmp_path)
    first = kept.encode(["a ferry", "a dam", "a ferry"])
    kept.save()
    again = Kept(encoder, tmp_path).encode(["a dam", "a tram", "a ferry"])
    assert encoder.encoded == ["a ferry", "a dam", "a tram"]
    assert (again[0] == first[1]).all()
    assert (again[2] == first[0]).all()
    assert kept.encode([]).shape == (0, encoder.dimension)


def test_everything_about_a_question(small: Archive, tmp_path: Path) -> None:
    """The gold, the words that its passages lack, each leg's ranks with the gold marked."""
    data = dataset.from_questions(questions(tmp_path, one("ferry.txt", "Nine people died.")), small, "x")
    shown = explain("q1", data, small, ["bm25", "hybrid"])
    assert "“Nine people died.”" in shown
    assert "0 of 1 words not in its passages" in shown
    assert "bm25: gold at rank 1\n*  1  " in shown
    assert "answer over hybrid: " in shown
    with pytest.raises(UsageError, match="no question q9 in x: its first is q1"):
        explain("q9", data, small, ["bm25"])
