"""From files to cited answers with the real model, over the sample archive and, where they are at hand, five real articles."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, SHARED

from eval.dataset import SAMPLE_ARTICLES, SAMPLE_QUESTIONS
from eval.dataset import sample as sample_questions
from index import Archive
from index.encoder import DEFAULT_MODEL, SentenceEncoder
from index.errors import ModelError
from qa import ask

pytestmark = pytest.mark.model

QUESTION = "who confirmed Iranian operatives in Iraq"


def test_the_sample_archive_answers_who_confirmed(sample: Archive) -> None:
    """The sentence that names the spokesman is the headline."""
    headline = ask(QUESTION, sample).quotes[0]
    assert "Pentagon spokesman John Kirby confirmed" in headline.quote
    assert headline.article.published == "2014-06-27"


@pytest.mark.skipif(not (SHARED / "articles").is_dir(), reason="the five outside articles are not at hand")
def test_five_real_articles_answer_who_confirmed(tmp_path: Path) -> None:
    """As they come from the web, litter and all."""
    archive = Archive(tmp_path / "archive")
    archive.add([SHARED / "articles"])
    assert "John Kirby" in ask(QUESTION, archive).quotes[0].quote
    litter = re.compile(r"Inbox|Leave a Reply|Short link|Required fields|min read|\[Getty\]|Subscribe|Trending")
    assert [article.title for article in archive.articles() if litter.search(article.text)] == []


def test_adding_the_sample_again_embeds_nothing(sample: Archive) -> None:
    """All 64 articles are known."""
    added = sample.add([SAMPLE_ARTICLES])
    assert (added.new, added.changed, added.unchanged, added.removed, added.embedded) == (0, 0, 64, 0, 0)
    assert added.rejected == []


def test_every_citation_of_every_question_is_verbatim(sample: Archive, tmp_path: Path) -> None:
    """All questions of the eval set; the articles are read anew from a second archive's store."""
    texts = {article.id: article.text for article in Archive(sample.path).articles()}
    citations = 0
    for question in sample_questions(sample).questions:
        answer = ask(question.text, sample)
        for citation in (*answer.quotes, *answer.nearest):
            assert texts[citation.article.id][citation.start : citation.end] == citation.quote
            citations += 1
    assert citations > 228


def test_passages_fit_the_model(sample: Archive) -> None:
    """With title and special tokens, none is longer than the model reads; none is cut off unseen."""
    model = sample.encoder
    assert isinstance(model, SentenceEncoder)
    for article in sample.articles():
        for passage in sample.passages(article.id):
            text = f"{article.title}\n{sample.text(passage)}"
            assert model.count([text])[0] + 2 <= model.max_tokens == 256


def test_the_sample_set_is_what_it_says() -> None:
    """64 articles; at least 120 answerable questions and 40 that are not; every follow-up follows a question of the set."""
    records = [json.loads(line) for line in SAMPLE_QUESTIONS.read_text(encoding="utf-8").splitlines()]
    ids = {record["id"] for record in records}
    answerable = [record for record in records if record["kind"] != "unanswerable"]
    assert len(ids) == len(records)
    assert len(answerable) >= 120
    assert len(records) - len(answerable) >= 40
    assert all(record["evidence"] for record in answerable)
    assert all(record["follows"] in ids for record in records if record["kind"] == "follow-up")


def test_a_model_that_cannot_be_loaded_says_what_to_do(tmp_path: Path) -> None:
    """No such name offline, a folder without weights, weights that are not the published ones."""
    with pytest.raises(ModelError, match="name a folder"):
        assert SentenceEncoder("nobody/none").digest
    with pytest.raises(ModelError, match="only safetensors"):
        assert SentenceEncoder(str(tmp_path)).digest
    forged = SentenceEncoder(DEFAULT_MODEL)
    (tmp_path / "model.safetensors").write_bytes(b"forged")
    forged.__dict__["folder"] = tmp_path
    with pytest.raises(ModelError, match="not the published file"):
        assert forged.digest


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("index", ["search", "Quds Force advisers"]), ("qa", ["ask", QUESTION])],
)
def test_the_packages_run_by_themselves(sample: Archive, module: str, arguments: list[str]) -> None:
    """python -m index and python -m qa do what clippings does."""
    options = ["--archive", str(sample.path), "--json"]
    by_itself = [sys.executable, "-m", module, *arguments, *options]
    command = [sys.executable, "cli.py", *arguments, *options]
    outputs = [subprocess.run(one, cwd=ROOT, capture_output=True, text=True, check=True).stdout for one in (by_itself, command)]
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0])
