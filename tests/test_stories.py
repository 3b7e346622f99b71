"""Copies count once in an answer, and stay in the archive; what differs is never folded away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import stories as labelled
from index import Archive, Article
from index.records import Filters, Hit, Why
from qa import ask, stories
from qa.citation import Citation

Folder = Callable[[dict[str, str]], Path]

REPORT = (
    "The ferry Anna Bree sank off Selwyn on Tuesday night in heavy seas, and nine people died. Harbour master Ida Kell confirmed the "
    "deaths at dawn. The search went on along the coast with two lifeboats and a helicopter. Divers are to go down to the wreck when the "
    "wind drops, the coastguard said. The owners have stopped all other crossings to the island until the end of the week."
)
WIRE = REPORT.replace("on Tuesday night in", "late on Tuesday in").replace("the wind drops", "the wind has dropped")
UPDATE = REPORT.replace("nine people died", "11 people died")


def article(text: str, name: str = "a", source: str = "Courier", published: str = "2017-03-14") -> Article:
    return Article(name, "Ferry", text, source, "", published, "en", f"/a/{name}", "00")


def page(text: str, outlet: str, date: str) -> str:
    return f"---\ntitle: Ferry\noutlet: {outlet}\ndate: {date}\n---\n{text}"


@pytest.fixture
def thread(archive: Archive, folder: Folder) -> Archive:
    """A report, its wire copy a day later, and another article."""
    archive.add(
        [
            folder(
                {
                    "a.txt": page(REPORT, "Courier", "2017-03-14"),
                    "b.txt": page(WIRE, "Wire", "2017-03-15"),
                    "c.txt": page("The dam at Selwyn cracked. Ida Kell was not there.", "Herald", "2017-03-16"),
                }
            )
        ]
    )
    return archive


def test_containment_by_hand() -> None:
    """Six words have two runs of five; one of them stands in the other text."""
    assert stories.containment("a b c d e f", "x b c d e f y z") == 0.5
    assert stories.containment("one", "one") == 1.0


def test_a_copy_in_an_outlets_own_style_is_the_same_story() -> None:
    """Whichever is given first."""
    assert stories.same_story(article(REPORT), article(WIRE, "b"))
    assert stories.same_story(article(WIRE, "b"), article(REPORT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nine people died", "11 people died"),
        ("Ida Kell", "Una Marsh"),
        ("confirmed the deaths", "denied that there had been deaths"),
        ("two lifeboats", "four lifeboats"),
    ],
)
def test_a_copy_that_says_something_else_is_not(old: str, new: str) -> None:
    """Another figure, another name, a denial."""
    assert not stories.same_story(article(REPORT), article(REPORT.replace(old, new), "b"))


def test_a_later_denial_keeps_a_copy_apart_and_an_earlier_one_that_was_cut_does_not() -> None:
    """Outlets shorten what they print; what is added afterwards is news."""
    longer = REPORT + " The owners denied that the door was open."
    assert not stories.same_story(article(REPORT), article(longer, "b", published="2017-03-15"))
    assert stories.same_story(article(REPORT), article(longer, "b", published="2017-03-13"))


def test_a_passage_of_a_copy_takes_no_place(thread: Archive) -> None:
    """What both say stands once among the hits, and less text in all; the archive keeps both."""
    hits = thread.search("ferry Anna Bree sank off Selwyn", 10)
    kept = stories.distinct(hits, thread, 10)
    confirmed = {hit.passage.article_id for hit in kept if "Ida Kell confirmed" in thread.text(hit.passage)}
    assert (len({hit.passage.article_id for hit in hits}), len(confirmed)) == (3, 1)
    assert len(kept) < len(hits)
    assert kept[0] == hits[0]
    assert thread.census()["articles"] == 3


def test_what_only_a_copy_has_is_kept(archive: Archive, folder: Folder) -> None:
    """Nothing is lost: a sentence of its own is still there to be quoted."""
    extra = " A bell from the ship was washed ashore at Corrin."
    archive.add([folder({"a.txt": REPORT, "b.txt": WIRE + extra})])
    hits = archive.search("owners stopped crossings to the island until the end of the week", 10)
    kept = "".join(archive.text(hit.passage) for hit in stories.distinct(hits, archive, 10))
    for sentence in ("nine people died", "bell from the ship", "until the end of the week"):
        assert sentence in kept


def test_an_answer_names_the_outlets_and_the_earliest(thread: Archive) -> None:
    """One quote, and where else it stands."""
    headline = ask("who confirmed the deaths in the ferry", thread).quotes[0]
    assert headline.outlets in {("Wire",), ("Courier",)}
    assert headline.earliest is not None
    assert headline.earliest.source == "Courier"
    quotes = [citation.quote for citation in ask("who confirmed the deaths in the ferry", thread).quotes]
    assert sum("Ida Kell confirmed" in quote for quote in quotes) == 1


def test_a_superseded_figure_is_shown_with_the_later_one(archive: Archive, folder: Folder) -> None:
    """Whatever rank the later one has."""
    archive.add([folder({"a.txt": page(REPORT, "Courier", "2017-03-14"), "b.txt": page(UPDATE, "Wire", "2017-03-15")})])
    answer = ask("how many people died when the ferry Anna Bree sank", archive)
    (one,) = answer.differ
    quotes = {quote.number: quote for quote in answer.quotes}
    assert {quotes[one.first].quote, quotes[one.second].quote} == {REPORT.partition(" Harbour")[0], UPDATE.partition(" Harbour")[0]}
    assert one.what == "figure"
    assert quotes[one.later or 0].article.source == "Wire"


def counted(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passages each search asks for, from now on."""
    numbers, search = list[int](), archive.search

    def counting(query: str, k: int, *rest: Filters) -> list[Hit]:
        numbers.append(k)
        return search(query, k, *rest)

    monkeypatch.setattr(archive, "search", counting)
    return numbers


def test_forty_copies_of_a_report_do_not_hide_another(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searched is on past them, all of them are counted, and the other figure stands beside theirs."""
    brief = "The ferry Anna Bree sank off Selwyn on Tuesday and nine people died, harbour master Ida Kell said."
    wire = {f"{number}.txt": page(brief, f"Outlet {number}", "2017-03-14") for number in range(40)}
    later = "Much was still unclear a day later, but 11 people died when the ferry Anna Bree sank off Selwyn, its owners now believe."
    archive.add([folder(wire | {"later.txt": page(later, "Herald", "2017-03-15")})])
    searched = counted(archive, monkeypatch)
    answer = ask("how many people died when the ferry Anna Bree sank off Selwyn on Tuesday", archive)
    assert searched == [30, 60]
    assert {quote.article.source == "Herald": len(quote.also) for quote in answer.quotes} == {False: 39, True: 0}
    assert [one.what for one in answer.differ] == ["figure"]


def test_where_stories_are_many_one_search_does(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last place is taken by the last passage, and where there are no more passages to search."""
    ferries = {f"{number}.txt": f"The ferry to isle number {number} was painted." for number in range(9)}
    copies = {f"a{number}.txt": page(REPORT.partition(" The search")[0], f"Outlet {number}", "2017-03-14") for number in range(21)}
    archive.add([folder(ferries)])
    searched = counted(archive, monkeypatch)
    ask("which ferry to the isle was painted", archive)
    archive.add([folder(copies)])
    question = "harbour master Ida Kell confirmed the deaths in the ferry Anna Bree"
    assert archive.reach().passages == 30
    ask(question, archive)
    assert searched == [30, 30]


def test_the_last_figure_goes_first_where_it_is_asked_for(archive: Archive, folder: Folder) -> None:
    """Of two reports that differ, the later one is the headline of "in the end"; else the better match is, as it was."""
    thorough = f"How many people died when the ferry Anna Bree sank: {REPORT.replace('The ferry', 'the ferry')}"
    archive.add([folder({"a.txt": page(thorough, "Courier", "2017-03-14"), "b.txt": page(UPDATE, "Wire", "2017-03-15")})])
    question = "how many people died when the ferry Anna Bree sank"
    assert "nine people" in ask(question, archive).quotes[0].quote
    last = ask(f"{question} in the end", archive)
    assert "11 people" in last.quotes[0].quote
    assert [(one.what, one.later) for one in last.differ] == [("figure", 1)]
    assert [quote.number for quote in last.quotes] == list(range(1, len(last.quotes) + 1))


def test_a_figure_beside_the_question_is_no_difference(archive: Archive, folder: Folder) -> None:
    """The toll differs, and is told where the toll was asked for, not where a person was."""
    archive.add([folder({"a.txt": page(REPORT, "Courier", "2017-03-14"), "b.txt": page(UPDATE, "Wire", "2017-03-15")})])
    told = {
        question: bool(ask(question, archive).differ)
        for question in ("who sank with the ferry Anna Bree", "how many died on the Anna Bree")
    }
    assert told == {"who sank with the ferry Anna Bree": False, "how many died on the Anna Bree": True}


def test_a_sentence_that_an_article_repeats_is_quoted_once(archive: Archive, folder: Folder) -> None:
    """Standfirst and body: the other places are for other sentences, and a sentence that says more has its own."""
    longer = "Nine people died, among them two children."
    archive.add([folder({"a.txt": f"Nine people died.\n\nThe ferry sank off Selwyn.\n\nNine people died. {longer}"})])
    quotes = [citation.quote for citation in ask("how many people died", archive).quotes]
    assert sorted(quotes)[:2] == [longer, "Nine people died."]
    assert len(quotes) == len(set(quotes))


def test_a_denial_of_the_same_day_is_another_story() -> None:
    """Whichever is given first, and where neither has a date."""
    for day in ("2017-03-14", ""):
        denied = article(f"{REPORT} The owners denied that nine people died.", "b", published=day)
        found = [stories.same_story(*pair) for pair in permutations((article(REPORT, published=day), denied))]
        assert found == [False, False]


def test_a_copy_outside_the_limits_is_counted_and_can_be_the_earliest(thread: Archive) -> None:
    """What is quoted is from inside."""
    quote = ask("how many people died when the ferry Anna Bree sank", thread, Filters(since="2017-03-15")).quotes[0]
    assert (quote.article.source, [copy.article.source for copy in quote.also]) == ("Wire", ["Courier"])
    assert quote.earliest is quote.also[0].article


def test_a_short_sentence_in_two_stories_is_chance() -> None:
    """Two articles may both say that nobody was hurt."""
    one = Citation(1, article("Nobody was hurt."), 0, 16, "Nobody was hurt.", Why(1, 1, ()))
    assert stories.with_copies(one, [article("A wall fell in Corrin. Nobody was hurt.", "b")]).also == ()


def test_copies_are_in_the_order_of_their_dates() -> None:
    """Those without one last."""
    text = REPORT.partition(". Harbour")[0] + "."
    one = Citation(1, article(REPORT), 0, len(text), text, Why(1, 1, ()))
    others = [article(WIRE, "b", "Wire", ""), article(WIRE, "c", "Herald", "2017-03-16"), article(WIRE, "d", "Post", "2017-03-15")]
    cited = stories.with_copies(one, others)
    assert [copy.article.source for copy in cited.also] == ["Post", "Herald", "Wire"]
    assert cited.earliest is None  # one has no date
    assert replace(cited, also=cited.also[:2]).earliest is cited.article


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=2, max_size=3), st.text(max_size=30))
def test_copies_are_slices_whatever_the_texts(texts: list[str], shared: str) -> None:
    """And no text makes the comparison fail."""
    articles = [article(f"{shared}. {text}", str(number)) for number, text in enumerate(texts)]
    first = articles[0]
    quote = first.text[: len(first.text) // 2 + 1]
    cited = stories.with_copies(Citation(1, first, 0, len(quote), quote, Why(1, 1, ())), articles)
    assert all(copy.article.text[copy.start : copy.end] == copy.quote for copy in cited.also)
    assert stories.same_story(first, articles[1]) == stories.same_story(articles[1], first)


def test_the_labelled_pairs(sample_articles: Archive) -> None:
    """What eval/README.md reports; no pair without a difference may be said to differ."""
    found = labelled.measure(sample_articles)
    assert (str(found.collapsed), str(found.apart)) == ("15/15", "24/24")
    assert (str(found.told), str(found.silent)) == ("17/17", "25/25")
