"""What stands beside the conversation, and what is taken along or kept of it, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import BagEncoder

from index import Archive, Filters
from index.articles import absolute
from index.errors import ArchiveError, ClippingsError, UsageError
from qa import ask, export, exported, feedback, page
from qa.answer import Answer
from qa.page import Told
from qa.verify import verify

Folder = Callable[[dict[str, str]], Path]

HOSTILE = "Ferry ![x](http://evil.test/x) <img src=http://evil.test/y> & $z$ *now*"
SANK = "ferry sank near Selwyn"


@pytest.fixture
def small(archive: Archive, folder: Folder) -> Archive:
    archive.add([folder({"a.txt": f"---\ntitle: '{HOSTILE}'\n---\nThe ferry sank near Selwyn. Nine people died. Rain & wind followed."})])
    return archive


def told(answer: Answer) -> Told:
    """An answer as the page has it."""
    return Told(
        answer.question,
        answer.reason,
        [quote.id for quote in answer.quotes],
        {quote.id: [copy.id for copy in quote.also] for quote in answer.quotes},
        answer.searched.articles,
        answer.searched.limits,
        answer.searched.held,
        answer.searched.undated,
    )


def change(archive: Archive, folder: Folder) -> None:
    archive.add([folder({"a.txt": "An earlier article was wrong about that. The ferry sank near Selwyn."})])


def test_a_headline_without_a_word_is_no_prompt(small: Archive, folder: Folder) -> None:
    """The others are still offered."""
    before = page.prompts(small)
    small.add([folder({"odd.md": "---\ntitle: '???'\ndate: 2026-01-01\n---\nA tram stood still."})])
    assert page.prompts(small) == before != []


def test_prompts_fall_back_to_headlines(small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the questions that the archive answers."""
    monkeypatch.setattr(page, "_PROMPTS", ("who won the chess in Oslo", SANK))
    assert page.prompts(small) == [SANK, HOSTILE]


def test_the_empty_page_has_something_to_read(small: Archive) -> None:
    """The newest articles, each a link without a mark; an empty archive says that it is."""
    shown = page.start(small)
    assert "Ferry ![x](http://evil.test/x) &lt;img" in shown
    name = shown.split('href="#p=')[1].split('"')[0]
    assert "<mark>" not in page.passage(name, small)
    assert "The ferry sank" in page.passage(name, small)
    small.remove([Path(small.newest(1)[0].id)])
    assert "The archive is empty" in page.start(small)


def test_a_citation_opens_the_version_that_was_quoted(small: Archive, folder: Folder) -> None:
    """Marked; after a change the article is shown without a mark, and says why; after its removal there is a sentence."""
    citation = ask(SANK, small).quotes[0]
    assert "<mark>The ferry sank near Selwyn.</mark>" in page.passage(citation.id, small)
    change(small, folder)
    shown = page.passage(citation.id, small)
    assert "<mark>" not in shown
    assert "has changed since" in shown
    for wrong in (
        "",
        "none:1-2",
        "x",
        citation.id.replace(":", ""),
        f"{citation.article.id}:1",
        "\ud800:1-2",
        f"{citation.id}{'9' * 5000}",
    ):
        assert "<mark>" not in page.passage(wrong, small)


def test_sources_stand_between_their_neighbours(small: Archive, folder: Folder) -> None:
    """By the names of their spans, and numbered by their place; one that is not as it was is left out, and no other takes its number."""
    (first,) = ask(SANK, small).quotes
    second = replace(first, start=28, end=45, quote="Nine people died.")
    shown = page.sources([first.id, "none:1-2", second.id], small)
    assert 'The ferry sank near Selwyn. <span class="quote">Nine people died.</span> Rain &amp; wind followed.' in shown
    assert '<span class="number">3</span>' in shown
    assert '<span class="number">2</span>' not in shown
    assert "Nine people <b>died</b>." in page.sources([second.id], small, "who died on the ferry?")
    change(small, folder)
    assert page.sources([first.id], small) == page.start(small)


@pytest.mark.parametrize("form", ["footnote", "markdown"])
def test_what_is_copied_is_what_the_command_exports(small: Archive, form: str) -> None:
    """To the character, from names of spans and the question alone; but for the folder, which is nobody's business."""
    answer = ask(SANK, small)
    folder = f"{Path(answer.quotes[0].article.path).parent}/"
    home = export.plain(folder) if form == "markdown" else folder
    assert home in export.FORMATS[form](answer)
    assert page.exported([told(answer)], form, small) == export.FORMATS[form](answer).replace(home, "")
    some = ask(SANK, small, Filters(since="2014-01-01"))
    assert page.exported([told(some)], form, small) == export.FORMATS[form](some).replace(home, "")
    assert "(1 without a date left out)" in export.FORMATS[form](some).replace("\\", "")
    none = ask("who won the chess in Oslo", small)
    assert page.exported([told(none)], form, small) == export.FORMATS[form](none)


@pytest.mark.parametrize("form", ["footnote", "markdown"])
def test_who_says_it_and_where_else_it_stands_is_copied_too(archive: Archive, folder: Folder, form: str) -> None:
    """As the command exports it."""
    wire = "The minister Ida Kell confirmed on Friday that nine people died in the Selwyn ferry, and the search was ended."
    for name, outlet, day in (("a", "Wire", 1), ("b", "Post", 2)):
        archive.add([folder({f"{name}.md": f"---\noutlet: {outlet}\ndate: 2014-06-0{day}\n---\n{wire}"})])
    answer = ask("who confirmed how many people died in the Selwyn ferry", archive)
    text = page.exported([told(answer)], form, archive)
    for what in ("Ida Kell: confirmed", "also in 1 outlet", "Post, 2014-06-02"):
        assert what in text.replace("\\", "")
    assert "\n".join(line for line in text.splitlines() if "SHA-256" not in line) == "\n".join(
        line for line in export.FORMATS[form](answer).splitlines() if "SHA-256" not in line
    ).removesuffix("\n")


@pytest.mark.parametrize("form", ["footnote", "markdown"])
def test_a_copy_that_is_not_as_it_was_is_left_out(archive: Archive, folder: Folder, form: str) -> None:
    """The quote itself is intact, and is copied as if there were no such copy."""
    wire = "The minister Ida Kell confirmed on Friday that nine people died in the Selwyn ferry, and the search was ended."
    text = {name: f"---\noutlet: {outlet}\ndate: 2014-06-0{day}\n---\n{wire}" for name, outlet, day in (("a", "Wire", 1), ("b", "Post", 2))}
    for name in "ab":
        archive.add([folder({f"{name}.md": text[name]})])
    answer = ask("how many people died in the Selwyn ferry", archive)
    (copy,) = answer.quotes[0].also
    archive.add([folder({f"{Path(copy.article.path).stem}.md": text["b"].replace("nine", "ten")})])
    alone = replace(told(answer), copies={})
    assert page.exported([told(answer)], form, archive) == page.exported([alone], form, archive)


def test_a_saved_conversation_can_be_verified(small: Archive) -> None:
    """Every quote of it is verbatim; an answer that there is none is among them and has no quote."""
    answers = [ask(question, small) for question in (SANK, "who won the chess in Oslo", "nine people died")]
    text = page.exported([told(answer) for answer in answers], "markdown", small)
    quotes = exported.read("saved.md", text.encode())
    assert [quote.text for quote in quotes] == [quote.quote for answer in answers for quote in answer.quotes]
    assert {verdict.outcome for verdict in verify(quotes, small)} == {"verbatim"}
    assert text.count("The archive does not say") == 1


def test_a_quote_that_is_not_as_it_was_is_not_copied(small: Archive, folder: Folder) -> None:
    """The question is named; and so is what is no answer at all."""
    one = told(ask(SANK, small))
    change(small, folder)
    with pytest.raises(ArchiveError, match="“ferry sank near Selwyn”: this article has changed since it was quoted"):
        page.exported([one], "markdown", small)
    for sent in (None, 7, [None], [{}], [{"question": "", "reason": "", "quotes": 3, "articles": ""}]):
        with pytest.raises(UsageError, match="no answers of this page"):
            page.told(sent)


def test_no_more_is_looked_up_than_an_answer_has(small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every two quotes are compared and every copy is read: what a browser never sends is refused before."""
    one = {"question": SANK, "reason": "", "articles": 1, "limits": "", "held": "", "undated": 0, "copies": {}}
    name = ask(SANK, small).quotes[0].id
    assert page.told([{**one, "quotes": [name] * 5, "copies": {name: [name] * 100}}] * 50)
    with pytest.raises(UsageError, match="an answer has at most 5 quotes"):
        page.told([{**one, "quotes": [name] * 6}])
    with pytest.raises(UsageError, match="more than 10,000 quotes and copies"):
        page.told([{**one, "quotes": [name], "copies": {name: [name] * 5000}}] * 2)
    monkeypatch.setattr(page, "citation", None)
    assert page.sources([name] * 21, small) == "<p class='empty'>No answer has so many quotes.</p>"


def test_a_conversation_is_saved_without_an_answer_that_is_not_as_it_was(small: Archive, folder: Folder) -> None:
    """In its place stands why; the others can be verified."""
    answers = [told(ask(question, small)) for question in (SANK, "chess in Oslo", "who paid for the Tarn bridge")]
    change(small, folder)
    text = page.exported(answers, "markdown", small)
    assert "## ferry sank near Selwyn\n\nLeft out: this article has changed since it was quoted: ask again.\n" in text
    assert text.count("## ") == 3


def test_what_is_wrong_is_said_without_a_path_of_the_server(small: Archive) -> None:
    """In the archive's folder, and beside it."""
    for path in (small.path, small.folder):
        assert page.plainly(ArchiveError(f"no article x in {path}/y"), small) == "no article x in the archive/y"


@pytest.mark.parametrize("place", ["archive", "a", "some/where", "../x"])
def test_the_name_of_the_archive_may_be_a_word(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where it is a path, and its own, is it the server's."""
    monkeypatch.chdir(tmp_path)
    one = Archive(Path(place), BagEncoder())
    home = absolute(one.folder)
    for prose in ("make the archive again, or open it anew.", f"in {home}s/y", "in archives/y, 2014-a/y or b/some/where"):
        assert page.plainly(ArchiveError(prose), one) == prose
    for path in (Path(place), home):
        assert page.plainly(ArchiveError(f"{path}/store.db: cannot be read"), one) == "the archive/store.db: cannot be read"
    assert page.plainly(ArchiveError(f"no archive in {home}."), one) == "no archive in the archive."


def test_a_thumb_is_on_what_the_reader_saw(small: Archive, folder: Folder) -> None:
    """A slice of that version of its article, whatever the archive would answer now; taken back it is gone."""
    headline = ask(SANK, small).quotes[0]
    assert page.noted(SANK, headline.id, "", True, small) == "Kept with the archive."
    (given,) = feedback.read(small)
    assert (given.question, given.quote, given.liked, given.outcome) == (SANK, headline.quote, True, "answered")
    assert page.noted(SANK, headline.id, "", None, small) == "Taken back."
    assert feedback.read(small) == []
    page.noted("who won the chess in Oslo", "", "", True, small)
    (given,) = feedback.read(small)
    assert (given.outcome, given.quote) == ("abstained", "")
    change(small, folder)
    with pytest.raises(ArchiveError, match="changed since"):
        page.noted(SANK, headline.id, "", True, small)


def test_another_sentence_can_be_the_right_one(small: Archive) -> None:
    """What is selected is drawn out to whole sentences; it stands beside the thumb on the headline, and for an abstention too."""
    headline = ask(SANK, small).quotes[0]
    name = headline.id.partition(":")[0]
    inside = headline.article.text.index("people")
    assert page.noted(SANK, headline.id, f"{name}:{inside}-{inside + 3}", True, small) == "Kept with the archive: “Nine people died.”"
    page.noted(SANK, headline.id, "", False, small)
    page.noted("who was lost", "", f"{name}:{inside}-{inside + 3}", True, small)
    assert [(one.quote, one.liked, one.outcome) for one in feedback.read(small)] == [
        ("Nine people died.", True, "answered"),
        ("The ferry sank near Selwyn.", False, "answered"),
        ("Nine people died.", True, "abstained"),
    ]


def test_what_cannot_be_kept_is_an_error_of_one_line(small: Archive) -> None:
    """A file that cannot be written, a message that was no question, a span that is none."""
    with pytest.raises(ClippingsError, match="empty"):
        page.noted("?", "", "", True, small)
    for span in ("", ":5-5", ":9-3", ":0-99999", ":-4-2"):
        with pytest.raises(ArchiveError):
            page.citation(ask(SANK, small).quotes[0].id.partition(":")[0] + span, small)
    (small.path / feedback.FILE).mkdir()
    with pytest.raises(ArchiveError, match=r"^\S+feedback\.jsonl: cannot be written \(Is a directory\)$"):
        page.noted(SANK, "", "", True, small)
