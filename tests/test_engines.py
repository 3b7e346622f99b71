"""One contract for every engine: the local one and Milvus. What an archive says must not depend on what holds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from conftest import Run
from fakes import BagEncoder

from eval import dataset
from eval.dataset import SAMPLE_ARTICLES
from index import Archive, Filters
from index.errors import ArchiveError, MismatchError, UsageError
from index.listing import ORDERS
from index.milvus.client import Client
from index.records import Reach
from qa.answer import Answer
from qa.assistant import ask

Folder = Callable[[dict[str, str]], Path]

FERRY = "---\ntitle: Ferry\nsource: Courier\ndate: 2014-06-12\n---\nThe ferry sank off Selwyn. Nine people died."
DAM = "---\ntitle: Dam\nsource: Herald\ndate: 2015-01-02\n---\nThe dam cracked on Sunday. The valley was emptied."
TRAM = "The tram stopped in Oslo. It was late."
FILES = {"ferry.md": FERRY, "dam.md": DAM, "tram.txt": TRAM}
QUESTIONS = (
    "who opened the bridge?", "how many people died in the storm?", "ferry Selwyn", "the mayor said", "water 2014 million", "bank rates",
    "what did the court decide about the strike?",
)  # fmt: skip


@pytest.fixture
def address(milvus: str) -> Iterator[str]:
    """The address of an archive in Milvus that is not there yet, and is taken away afterwards."""
    from pymilvus import MilvusClient

    name = f"test_{uuid4().hex[:12]}"
    yield f"{milvus}/{name}"
    client = MilvusClient(uri=Client(f"{milvus}/{name}")._uri)
    for collection in client.list_collections():
        if collection.startswith(name):
            client.drop_collection(collection)
    client.close()


@pytest.fixture(params=["local", "milvus"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an archive can be, by engine."""
    return tmp_path / "archive" if request.param == "local" else str(request.getfixturevalue("address"))


@pytest.fixture
def held(place: Path | str, encoder: BagEncoder) -> Archive:
    """An archive that is not there yet."""
    return Archive(place, encoder)


def names(archive: Archive, query: str, filters: Filters | None = None, legs: tuple[str, ...] = ("bm25",)) -> list[str]:
    return [Path(archive.article(hit.passage.article_id).path).name for hit in archive.search(query, 5, filters, legs)]


def test_what_is_added_is_found(held: Archive, folder: Folder) -> None:
    """The best passage first, with its rank in each leg, the words matched, and its text as the article has it."""
    added = held.add([folder(FILES)])
    assert (added.new, added.unchanged, added.removed, added.embedded) == (3, 0, 0, 3)
    hit = held.search("when was the valley emptied")[0]
    assert held.text(hit.passage) == "The dam cracked on Sunday. The valley was emptied."
    assert (hit.why.bm25, hit.why.dense, hit.why.terms) == (1, 1, ("valley", "emptied"))
    assert held.article(hit.passage.article_id).source == "Herald"


def test_there_is_no_archive_before_the_first_add(held: Archive) -> None:
    """Whoever asks is told how to make one; it is not made by asking."""
    for deed in (lambda: held.search("ferry"), held.status, held.update, lambda: held.remove([Path("a.txt")])):
        with pytest.raises(ArchiveError, match=r"no archive at .*'clippings add FOLDER'"):
            deed()
    assert not held.exists


def test_an_archive_of_nothing_finds_nothing(held: Archive, folder: Folder) -> None:
    """Nothing of the first add could be taken."""
    held.add([folder({"empty.txt": ""})])
    for legs in (("bm25",), ("dense",), ("bm25", "dense")):
        assert held.search("ferry", legs=legs) == []
    assert (held.outlets(), held.reach(), ask("Did the ferry sink?", held).quotes) == ([], Reach(0, 0), ())


def test_adding_again_embeds_nothing(held: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """Unchanged articles are known by their content, a renamed one too."""
    home = folder(FILES)
    held.add([home])
    encoder.encoded.clear()
    (home / "tram.txt").rename(home / "late.txt")
    added = held.add([home])
    assert (added.new, added.renamed, added.unchanged, added.embedded) == (0, 1, 2, 0)
    assert encoder.encoded == []
    assert names(held, "tram Oslo") == ["late.txt"]


def test_what_changes_or_goes_is_not_found_as_it_was(held: Archive, folder: Folder) -> None:
    """By words, by meaning, in the counts; what was taken out stays out."""
    home = folder(FILES)
    held.add([home])
    (home / "ferry.md").write_text(FERRY.replace("sank", "was raised"))
    (home / "dam.md").unlink()
    added = held.update()
    assert (added.changed, added.removed) == (1, 1)
    assert names(held, "sank") == names(held, "dam valley") == []
    assert names(held, "raised") == ["ferry.md"]
    assert held.remove([home / "tram.txt"]) == 1
    assert (held.update().left_out, names(held, "tram"), held.outlets()) == (1, [], ["Courier"])
    assert len(held.search("anything", legs=("dense",))) == 1
    census = {"articles": 1, "passages": 1, "outlets": 1, "first_date": "2014-06-12", "last_date": "2014-06-12"}
    assert (held.census(), held.check().problems) == (census, [])
    held.remove([home])
    assert held.search("ferry") == []


def test_what_was_taken_out_is_put_back_as_it_was(held: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """Nothing is embedded again, and it is kept up to date again."""
    home = folder(FILES)
    held.add([home])
    (article,) = (one for one in held.articles() if one.title == "Dam")
    encoder.encoded.clear()
    removed = held.take_out(article.id)
    assert (names(held, "valley"), held.update().left_out) == ([], 1)
    held.put_back(removed)
    assert (held.article(article.id), encoder.encoded, held.update().left_out) == (article, [], 0)
    assert (names(held, "valley"), held.check().problems, held.changed() > 0) == (["dam.md"], [], True)


def test_filters_apply_inside_the_search(held: Archive, folder: Folder) -> None:
    """Outlets in any case, days inclusive; what has no date is outside every range, and is counted."""
    held.add([folder(FILES)])
    words = "the ferry dam tram"
    assert names(held, words, Filters(("herald",))) == names(held, words, Filters(since="2014-06-13")) == ["dam.md"]
    assert names(held, words, Filters(until="2014-06-12")) == names(held, words, Filters(until="2014-06-12"), ("dense",)) == ["ferry.md"]
    assert held.reach(Filters(since="2014-06-12")) == Reach(2, 2, 1)
    assert held.reach() == Reach(3, 3)
    with pytest.raises(UsageError, match=r"Herold: no article is from there; .* Herald"):
        held.reach(Filters(("Herold",)))


@pytest.mark.parametrize("outlet", ['O\'Brien "Daily"', r"back\slash \n", "日本 😀", "100 % {sure}"])
def test_names_may_hold_anything(held: Archive, folder: Folder, outlet: str) -> None:
    """Of outlets and of files, in filters too."""
    home = folder({"odd.jsonl": json.dumps({"id": f"x {outlet}", "text": "The ferry sank.", "source": outlet}), "a.txt": "The ferry."})
    held.add([home])
    assert sorted(held.outlets()) == [outlet]
    (hit,) = held.search("ferry", filters=Filters((outlet,)))
    assert held.article(hit.passage.article_id).source == outlet
    assert (held.reach(Filters((outlet,))), held.remove([home / "odd.jsonl"]), held.outlets()) == (Reach(1, 1), 1, [])


def test_what_cannot_be_taken_is_remembered(held: Archive, folder: Folder) -> None:
    """With its reason, until it changes; and so are the places."""
    home = folder({**FILES, "empty.txt": ""})
    assert [Path(error.path).name for error in held.add([home]).rejected] == ["empty.txt"]
    assert (held.update().waiting, held.status()["places"]) == (1, [str(home)])
    assert list(held.status()["not_taken"]) == [str(home / "empty.txt")]
    (home / "empty.txt").write_text("It is full.")
    assert (held.update().new, held.status()["not_taken"]) == (1, {})


def test_another_model_is_refused(held: Archive, place: Path | str, folder: Folder) -> None:
    """Of another dimension too, by name."""
    held.add([folder(FILES)])
    for other in (BagEncoder("other"), BagEncoder("small", dimension=32)):
        with pytest.raises(MismatchError, match=f"made with model bag .*, not {other.name}"):
            Archive(place, other).search("ferry")
        with pytest.raises(MismatchError, match=f"made with model bag .*, not {other.name}"):
            Archive(place, other).add([folder(FILES)])


def test_a_long_text_comes_back_as_it_was(held: Archive, folder: Folder) -> None:
    """Longer than a field of Milvus, with characters of one to four bytes; it is quoted from its end."""
    text = " ".join(f"Sentence {n} has é, 日本 and 😀 in it." for n in range(4000)) + " The last one names Selwyn."
    held.add([folder({"long.txt": text})])
    (hit,) = held.search("Selwyn", 1, legs=("bm25",))
    assert held.text(hit.passage).endswith("The last one names Selwyn.")
    assert held.article(hit.passage.article_id).text == text


def test_milvus_answers_as_the_local_engine(address: str, sample_articles: Archive) -> None:
    """The same passages, ranks, words, weights, counts and digest over the sample archive, within a tie's reach."""
    other = Archive(address, BagEncoder())
    other.add([SAMPLE_ARTICLES])
    assert (other.census(), sorted(other.outlets())) == (sample_articles.census(), sorted(sample_articles.outlets()))
    assert other.status()["digest"] == sample_articles.status()["digest"]
    assert other.newest(3) == sample_articles.newest(3)
    for order in ORDERS:
        for words, limits in (("", Filters()), ("the", Filters(since="2014-01-01"))):
            assert other.listed(words, limits, order, 5, 10) == sample_articles.listed(words, limits, order, 5, 10), order
    for question in QUESTIONS:
        assert other.term_weights(question) == pytest.approx(sample_articles.term_weights(question), rel=1e-3)
        for legs in (("bm25",), ("dense",), ("bm25", "dense")):
            for limits in (Filters(), Filters(since="2014-01-01", until="2020-12-31")):
                assert other.unknown(question.split(), limits) == sample_articles.unknown(question.split(), limits)
                assert lists(other, question, legs, limits) == lists(sample_articles, question, legs, limits), question


def lists(archive: Archive, question: str, legs: tuple[str, ...], limits: Filters) -> list[Any]:
    """The passages of the scores above the tenth: those at it may be tied with others."""
    hits = archive.search(question, 10, limits, legs)
    return sorted([hit.passage.article_id, hit.passage.start, hit.why.terms] for hit in hits if hit.score > hits[-1].score + 2e-3)


def test_a_second_machine_answers_from_the_address_alone(held: Archive, place: Path | str, folder: Folder) -> None:
    """The files are gone, the process is another: the same cited, verbatim answer."""
    home = folder(FILES)
    held.add([home])
    for file in list(home.iterdir()):
        file.unlink()
    answer = ask("how many people died when the ferry sank off Selwyn?", Archive(place, BagEncoder()))
    quote = (answer.quotes or answer.nearest)[0]
    assert quote.quote == quote.article.text[quote.start : quote.end]
    assert quote.quote in FERRY
    assert quote.article.title == "Ferry"


def test_the_command_line_takes_an_address(run: Run, address: str, folder: Folder) -> None:
    """add, status, search, ask, check, remove."""
    home = folder(FILES)
    at = ("--archive", address)
    assert run("add", str(home), *at)[0] == 0
    assert f"archive   {address}" in run("status", *at)[1]
    assert json.loads(run("search", "valley", "--json", *at)[1])[0]["text"].endswith("The valley was emptied.")
    assert json.loads(run("ask", "was the valley emptied?", "--json", *at)[1])["question"] == "was the valley emptied?"
    assert run("check", *at)[:2] == (0, "whole\n")
    assert run("remove", str(home), *at)[1] == "removed 3\n"


@pytest.mark.model
def test_the_sample_is_answered_from_milvus_as_from_a_folder(address: str, sample: Archive) -> None:
    """Every eighth question, with the real model and reader: the same outcome, the same quotes from the same places."""
    other = Archive(address)
    other.add([SAMPLE_ARTICLES])
    for question in dataset.sample(sample).questions[::8]:
        here, there = (ask(question.text, archive) for archive in (sample, other))
        assert (here.outcome, cited(here)[:1]) == (there.outcome, cited(there)[:1]), question.text


def cited(answer: Answer) -> list[tuple[str, int, str]]:
    return [(one.article.id, one.start, one.quote) for one in (*answer.quotes, *answer.nearest)]


@pytest.mark.parametrize(
    ("before", "then", "last"),
    [
        pytest.param({}, {"ferry.md": FERRY}, {"ferry.md": FERRY}, id="first"),
        pytest.param({"ferry.md": FERRY}, {"ferry.md": FERRY.replace("Nine", "Ten")}, {"ferry.md": FERRY}, id="changed-and-changed-back"),
        pytest.param({"ferry.md": FERRY}, {"ferry.md": None}, {"ferry.md": FERRY}, id="gone-and-back"),
        pytest.param({"ferry.md": FERRY}, {"ferry.md": None}, {}, id="gone"),
        pytest.param({"ferry.md": FERRY}, {"ferry.md": None, "other.md": FERRY}, {}, id="renamed"),
        pytest.param({"ferry.md": FERRY}, {"ferry.md": FERRY.replace("Courier", "Herald")}, {}, id="another-outlet"),
    ],
)
def test_an_add_to_milvus_that_was_broken_off_is_mended_by_the_next(
    milvus: str, folder: Folder, monkeypatch: pytest.MonkeyPatch, before: dict[str, str], then: dict[str, str | None], last: dict[str, str]
) -> None:
    """At each call that writes: every article is found, the outlets are theirs, and nothing else is there; meanwhile nothing is quoted
    that an article does not say."""
    calls, at, real = 0, 0, {name: getattr(Client, name) for name in ("upsert", "delete")}

    def broken(name: str) -> Callable[..., None]:
        def call(self: Client, *arguments: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            real[name](self, *arguments)

        return call

    for name in real:
        monkeypatch.setattr(Client, name, broken(name))

    def bring(home: Path, files: Mapping[str, str | None]) -> Archive:
        for name, text in files.items():
            (home / name).write_text(text) if text else (home / name).unlink()
        archive = Archive(address, BagEncoder())
        archive.add([home])
        return archive

    home = folder({"tram.txt": TRAM})
    for step in range(1, 40):
        address = f"{milvus}/test_{uuid4().hex[:12]}"
        for file in home.glob("*.md"):
            file.unlink()
        if before:
            at = 0
            bring(home, before)
        calls, at = 0, step
        try:
            bring(home, then)
        except KeyboardInterrupt:
            at, archive = 0, Archive(address, BagEncoder())
        else:
            break
        for hit in archive.search("ferry") if archive.exists else ():
            assert archive.text(hit.passage) in archive.article(hit.passage.article_id).text
        archive = bring(home, last)
        files, outlets = sorted(file.name for file in home.iterdir()), {one.source for one in archive.articles()} - {""}
        assert (archive.check().problems, set(archive.outlets())) == ([], outlets)
        assert sorted(names(archive, "ferry tram Selwyn", legs=("bm25", "dense"))) == files, step
    assert step > 8


def test_damage_in_milvus_is_named_and_mended(address: str, folder: Folder) -> None:
    """A passage that is gone, one of no article, an article's text that was changed."""
    home = folder(FILES)
    archive = Archive(address, BagEncoder())
    archive.add([home])
    client = Client(address)
    ferry, dam = (next(one.id for one in archive.articles() if one.title == title) for title in ("Ferry", "Dam"))
    client.delete("passages", "article_id", [ferry])
    (row,) = client.some("articles", f'id == "{dam}"', ["*"])
    client.upsert("articles", [{**{name: row[name] for name in row if name != "sparse"}, "text": ["The dam held."]}])
    (other,) = client.some("passages", f'article_id == "{dam}"', ["*"])
    client.upsert("passages", [{**{name: other[name] for name in other if name != "sparse"}, "id": "x", "article_id": "none"}])
    found = Archive(address, BagEncoder()).check()
    assert not found.whole
    assert all(any(one in line for line in found.problems) for one in (ferry, dam, "article none"))
    assert Archive(address, BagEncoder()).repair().whole
    assert names(Archive(address, BagEncoder()), "valley") == ["dam.md"]
