"""From question to cited answer, with a toy encoder; every quote is a slice of its article."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import odd
import pytest
from fakes import BagEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import Archive, Article
from index.bm25 import words
from index.errors import ClippingsError, QuestionError
from index.query import MAX_QUERY
from index.records import Filters, Why
from index.sentences import touching
from qa import ask, evidence, export, message, page
from qa.answer import Answer
from qa.citation import Citation
from qa.exported import read
from qa.followup import Turn
from qa.question import content_words, has_cue, kind, on_one_line, topic, wants_latest
from qa.reading import KINDS
from qa.verify import verify

Folder = Callable[[dict[str, str]], Path]

ANY_CHARACTER = st.characters() | st.sampled_from("\ud800\udce9")  # lone surrogates too
ARTICLE = Article("id", "Ferry", "It sank. Nine died.", "Courier", "", "2017-03-14", "en", "/a/ferry.txt", "00")


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add(
        [
            folder(
                {
                    "ferry.txt": "The ferry sank off Selwyn on Tuesday. Harbour master Ida Kell confirmed nine deaths. It rained.",
                    "dam.txt": "The dam cracked on Sunday. The valley was emptied at dawn. Nobody was hurt.",
                }
            )
        ]
    )
    return archive


def test_a_citation_is_a_slice_of_its_article() -> None:
    """One that is not cannot be made."""
    why = Why(1, 1, ())
    assert Citation(1, ARTICLE, 0, 8, "It sank.", why).id == "id.00:0-8"
    for start, end, quote in [(0, 8, "It sank!"), (0, 0, ""), (-8, -1, "ne died"), (9, 99, "Nine died.")]:
        with pytest.raises(ValueError, match="not what characters"):
            Citation(1, ARTICLE, start, end, quote, why)


def test_the_sentence_that_answers_is_the_headline(small: Archive) -> None:
    """With its article, its span, and why it was found."""
    answer = ask("who confirmed nine deaths in the ferry", small)
    assert answer.outcome == "answered"
    headline = answer.quotes[0]
    assert headline.quote == "Harbour master Ida Kell confirmed nine deaths."
    assert headline.why.terms == ("confirmed", "nine", "deaths")
    assert 1 <= len(answer.quotes) <= 5


def test_a_question_of_other_words_is_not_answered(small: Archive) -> None:
    """The words that no passage has are named, and what comes nearest is not called an answer."""
    answer = ask("who won the chess tournament in Oslo", small)
    assert (answer.outcome, answer.quotes) == ("abstained", ())
    assert "“chess”" in answer.reason
    assert "“Oslo”" in answer.reason
    assert "“who”" not in answer.reason
    assert "“actually”" not in ask("who actually won the chess tournament", small).reason


def test_a_question_without_a_telling_word_is_told_so(small: Archive) -> None:
    """It is not said that the archive has its words."""
    answer = ask("was it that", small)
    assert (answer.outcome, answer.reason) == ("abstained", "the question has no word to look for: say who or what it is about")


def test_an_empty_archive_abstains(archive: Archive, folder: Folder) -> None:
    """No hits, no quotes, no error."""
    archive.add([folder({"a.pdf": "It sank."})])
    answer = ask("who sank", archive)
    assert (answer.outcome, answer.reason, answer.nearest) == ("abstained", "no article has the word “sank”", ())


def test_a_word_of_a_title_is_not_missing(archive: Archive, folder: Folder) -> None:
    """Titles are searched too."""
    archive.add([folder({"a.txt": "---\ntitle: Zanzibar ferry\n---\nIt sank."})])
    assert "Zanzibar" not in ask("chess in Zanzibar", archive).reason
    assert "“chess”" in ask("chess in Zanzibar", archive).reason


def test_quotes_are_whole_sentences_of_wrapped_text(archive: Archive, folder: Folder) -> None:
    """Also where a passage begins in the middle of a line."""
    wrapped = (
        "The ferry sank off the coast of Selwyn on Tuesday night. The harbour\n"
        "master confirmed nine deaths after a search of the bay that\nlasted until dawn. It rained."
    )
    archive.add([folder({"a.txt": wrapped})])
    quotes = [citation.quote for citation in ask("harbour master confirmed nine deaths", archive).quotes]
    assert quotes[0].startswith("The harbour\nmaster confirmed")
    assert quotes[0].endswith("until dawn.")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who's the mayor", "the mayor"),
        ("what’s the toll", "the toll"),
        ("what did the WHO say", "the WHO say"),
        ("WHO CONFIRMED IT", "confirmed it"),
        ("how many did the ferry carry", "the ferry carry"),
    ],
)
def test_the_topic_is_what_is_left_of_a_question(question: str, expected: str) -> None:
    """Contractions go with their word; the agency stays."""
    assert topic(question) == expected
    assert "s" not in content_words(question)


def test_json_has_what_a_citation_needs(small: Archive) -> None:
    """The fields that programs rely on, and the same bytes for the same question."""
    answer = ask("who confirmed nine deaths in the ferry", small).as_dict()
    assert list(answer) == ["question", "outcome", "reason", "chips", "searched", "quotes", "differ", "nearest"]
    names = ["text", "article", "path", "start", "end", "title", "outlet", "date", "url", "sha256"]
    names += ["link", "digest", "before", "after", "why", "speaker", "verb", "also"]
    assert list(answer["quotes"][0]) == names
    headline = answer["quotes"][0]
    assert (headline["before"], headline["after"]) == ("The ferry sank off Selwyn on Tuesday.", "It rained.")
    assert headline["why"] == {"bm25": 1, "dense": 1, "terms": ["confirmed", "nine", "deaths"]}
    assert answer == ask("who confirmed nine deaths in the ferry", small).as_dict()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(ANY_CHARACTER, max_size=200) | st.text(ANY_CHARACTER, max_size=20).map("who confirmed nine deaths {}".format))
def test_no_message_yields_a_quote_that_is_not_a_slice(small: Archive, message: str) -> None:
    """Whatever is asked: quotes are slices, or there is a clear error."""
    try:
        assert_verbatim(ask(message, small), small)
    except QuestionError as error:
        assert str(error)  # noqa: PT017


LIMITS = [None, None, Filters(since="2017-03-14"), Filters(until="2016-12-31"), Filters(("Courier",))]
ENDINGS = {"footnote": ".txt", "markdown": ".md", "json": ".json", "csv": ".csv"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(odd.records(), min_size=1, max_size=3), data=st.data())
def test_no_input_yields_a_quote_that_is_not_a_slice(memory: Path, records: list[dict[str, str]], data: st.DataObject) -> None:
    """Any articles, a conversation about them in their words or any others, any limits and chips: from the answer to every export and back,
    and in the page's message."""
    with TemporaryDirectory(dir=memory) as home:
        path, archive = Path(home) / "odd.jsonl", Archive(Path(home) / "archive", BagEncoder())
        path.write_text("\n".join(json.dumps(record) for record in [*records, {"text": "The ferry sank.", "outlet": "Courier"}]))
        archive.add([path])
        known = sorted({word for article in archive.articles() for word in words(article.text)})
        own = st.lists(st.sampled_from([*known, "and", "it", "since 2017", "who said"]), min_size=1, max_size=4).map(" ".join)
        history: list[Turn] = []
        for said in data.draw(st.lists(own | own | odd.texts, min_size=4, max_size=4)):
            limits, without = data.draw(st.sampled_from(LIMITS)), data.draw(st.sampled_from([(), KINDS]))
            try:
                answer = ask(said, archive, limits, history=history, without=without)
            except ClippingsError as error:
                assert str(error)  # noqa: PT017
                continue
            history.append(Turn.of(answer))
            assert_verbatim(answer, archive)
            for form, ending in ENDINGS.items():
                exported = read(f"answer{ending}", export.FORMATS[form](answer).encode())
                assert [one.outcome for one in verify(exported, archive)] == ["verbatim"] * len(answer.quotes)
            shown = message.quoted(message.whole(answer, "?q=q"))
            assert [page.citation(name, archive).quote for name in shown] == [one.quote for one in answer.quotes or answer.nearest]


def assert_verbatim(answer: Answer, archive: Archive) -> None:
    """Every quote of an answer, and every copy of one, is a sentence of its article, or of a long one a piece, as it stands there."""
    for citation in answer.quotes + answer.nearest:
        text = archive.article(citation.article.id).text
        assert len(touching(text, citation.start, citation.end)) == 1
        assert text[citation.start : citation.end] == citation.quote
        assert all(copy.quote == archive.article(copy.article.id).text[copy.start : copy.end] for copy in citation.also)


@pytest.mark.parametrize("message", ["who sank \ud800", "who sank Caf\udce9"])
def test_what_is_no_text_is_told_so(small: Archive, message: str) -> None:
    """Half a pair of UTF-16, or a byte of a command line in another encoding: a tokenizer takes none."""
    for asked in (ask, Archive.search):
        arguments = (message, small) if asked is ask else (small, message)
        with pytest.raises(QuestionError, match=r"^the question is not UTF-8 text at character 1[03]: type it again$"):
            asked(*arguments)


@pytest.mark.parametrize("message", ["", "  \n", "?!"])
def test_an_empty_message_is_told_so(message: str) -> None:
    """Rather than searched."""
    with pytest.raises(QuestionError, match="empty"):
        on_one_line(message)


def test_an_endless_message_is_told_so() -> None:
    """20,000 characters are no question."""
    with pytest.raises(QuestionError, match="20,000 characters"):
        on_one_line("a" * 20_000)
    assert on_one_line(" a\n b ") == "a b"
    assert len(on_one_line("a" * MAX_QUERY)) == MAX_QUERY


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who confirmed it", "who"),
        ("When did the ferry sink?", "when"),
        ("where is the dam", "where"),
        ("how many people died", "how many"),
        ("how much did it cost", "how many"),
        ("what did the mayor say about it", "said"),
        ("what was the final toll", "how many"),
        ("in which year was it built", "when"),
        ("ferry Selwyn", ""),
    ],
)
def test_the_kind_of_a_question(question: str, expected: str) -> None:
    """By rules; none where none fits."""
    assert kind(question) == expected


@pytest.mark.parametrize(
    ("kind_of_question", "sentence", "expected"),
    [
        ("how many", "Nine people died.", True),
        ("how many", "People died.", False),
        ("when", "It sank on Tuesday.", True),
        ("when", "It sank.", False),
        ("who", "The harbour master, Ida Kell, spoke.", True),
        ("who", "Somebody spoke.", False),
        ("said", "“No,” she answered.", True),
        ("where", "It sank off the coast near Selwyn.", True),
        ("", "Anything.", True),
    ],
)
def test_a_sentence_holds_what_is_asked_for(kind_of_question: str, sentence: str, expected: bool) -> None:
    """A person, a number, a day, a place, a speech verb or a quotation."""
    assert has_cue(kind_of_question, sentence) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many survived in the end?", True),
        ("the Final toll of the ferry", True),
        ("what did it end up costing", True),
        ("the latest estimate", True),
        ("how many were first reported dead", False),
        ("where does the road end", False),
        ("who was in the finals", False),
    ],
)
def test_a_question_of_how_it_ended(question: str, expected: bool) -> None:
    """By a word or two."""
    assert wants_latest(question) is expected


def test_covered_by_hand() -> None:
    """Weights 3 and 1, of which the text has the first: three quarters."""
    assert evidence.covered({"ferri": 3.0, "oslo": 1.0}, "Two ferries sank.") == 0.75
    assert evidence.covered({}, "Two ferries sank.") == 0.0


REPORTS = {  # in the order in which they rank
    "1.txt": ("2017-03-16", "Harbour master Ida Kell said the ferry sank at noon."),
    "2.txt": ("2017-03-13", "The ferry sank on its first voyage."),
    "3.txt": ("2017-03-18", "Minister Tom Reed said the ferry sank slowly."),
    "4.txt": ("2017-03-17", "Kell said the ferry sank in the fog."),
    "5.txt": ("2017-03-15", "Reed said the ferry sank with its cargo."),
}


def test_who_said_is_read_by_speaker_and_date(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the headline what its speaker says, then the others by date, then what nobody says. Any other question: as ranked."""
    ranked = [text for _, text in REPORTS.values()]
    monkeypatch.setattr("qa.assistant.stories.quotable", lambda found, *_: sorted(found, key=lambda one: ranked.index(one.text)))
    archive.add([folder({name: f"---\ndate: {day}\n---\n{text}" for name, (day, text) in REPORTS.items()})])
    assert [citation.quote for citation in ask("the ferry sank", archive, reader="none").quotes] == ranked
    quotes = ask("who said the ferry sank", archive, reader="none").quotes
    assert [(citation.number, citation.article.path[-5]) for citation in quotes] == [(1, "1"), (2, "4"), (3, "5"), (4, "3"), (5, "2")]
    assert [citation.speaker for citation in quotes] == ["Harbour master Ida Kell", "Kell", "Reed", "Minister Tom Reed", ""]
