"""--outlet, --since and --until: what passes is searched and nothing else, and what is left out is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Run
from fakes import BagEncoder

from index import Archive, Filters
from index.errors import UsageError
from index.filtering import filters
from index.records import Reach
from qa import ask, evidence, export, message

Folder = Callable[[dict[str, str]], Path]


def dated(day: str, outlet: str, text: str) -> str:
    return f"---\noutlet: {outlet}\ndate: {day}\n---\n{text}"


FILES = {
    "a.txt": dated("2014-05-31", "Harbour Courier", "The ferry sank in May."),
    "b.txt": dated("2014-06-01", "Harbour Courier", "The ferry was raised."),
    "c.txt": dated("2014-06-30", "Valley Herald", "The ferry was sold."),
    "d.txt": dated("2015-01-01", "Valley Herald", "The ferry was scrapped."),
    "e.txt": "---\noutlet: Valley Herald\n---\nThe ferry had no date.",
    "f.txt": "The ferry had neither.",
}


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sentence is an answer."""
    held = evidence.fitted(False)
    monkeypatch.setattr(evidence, "fitted", lambda with_reader: replace(held, threshold=2.0))


@pytest.fixture
def six(run: Run, folder: Folder) -> Run:
    run("add", str(folder(FILES)))
    return run


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2014", None, ("2014-01-01", "")),
        (None, "2014", ("", "2014-12-31")),
        ("2014-06", "2014-06", ("2014-06-01", "2014-06-30")),
        (None, "2016-02", ("", "2016-02-29")),
        ("2014-06-27", "2014-06-27", ("2014-06-27", "2014-06-27")),
        (None, None, ("", "")),
    ],
)
def test_a_month_or_a_year_means_all_of_its_days(since: str | None, until: str | None, days: tuple[str, str]) -> None:
    """From its first, to its last."""
    assert filters([], since, until) == Filters((), *days)


@pytest.mark.parametrize("written", ["", "2014-13", "2014-02-30", "14", "2014-6", "27.6.2014", "0000", "june", "٢٠١٤", "2014-06-27T00:00"])
def test_a_date_that_is_none_is_refused(written: str) -> None:
    """With the forms that there are."""
    with pytest.raises(UsageError, match=r"not a date: give a day \(2014-06-27\), a month \(2014-06\) or a year \(2014\)"):
        filters([], written, None)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--outlet", "harbour COURIER"], "ab"),
        (["--outlet", "Harbour  Courier", "--outlet", "valley herald"], "abcde"),
        (["--since", "2014-06", "--until", "2014-06"], "bc"),
        (["--since", "2014-06-30"], "cd"),
        (["--until", "2014-05-31"], "a"),
        (["--outlet", "Valley Herald", "--until", "2014"], "c"),
        ([], "abcdef"),
    ],
)
def test_search_finds_what_passes(six: Run, options: list[str], found: str) -> None:
    """By either leg alone, and by both."""
    for leg in ([], ["--leg", "bm25"], ["--leg", "dense"]):
        hits = json.loads(six("search", "--json", "-k", "9", *options, *leg, "ferry")[1])
        assert sorted(Path(hit["path"]).stem for hit in hits) == list(found)


@pytest.mark.parametrize("number", [3000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_a_filter_that_leaves_ten_passages_finds_all_ten(archive: Archive, folder: Folder, number: int) -> None:
    """However many rank above them: each leg looks at 1,000, all of them among what passes."""
    crowd = [{"text": "The ferry, the ferry sank.", "outlet": "Herald", "date": "2020-01-01"}] * number
    few = [{"text": f"Of dams, roads, tolls and one ferry, part {part}.", "outlet": "Courier", "date": "2014-06-27"} for part in range(10)]
    archive.add([folder({"wire.jsonl": "\n".join(json.dumps({"id": at} | one) for at, one in enumerate([*few, *crowd]))})])
    assert archive.census()["passages"] == number + 10
    for limits in (Filters(("courier",)), Filters(until="2019-12-31")):
        assert archive.reach(limits) == Reach(10, 10)
        for legs in (("bm25",), ("dense",), ("bm25", "dense")):
            texts = {archive.text(hit.passage) for hit in archive.search("ferry", 10, limits, legs)}
            assert texts == {one["text"] for one in few}
    assert {archive.text(hit.passage) for hit in archive.search("ferry", 10)} == {crowd[0]["text"]}


def test_what_passes_is_counted(six: Run, folder: Folder) -> None:
    """Over several segments, and without what was taken out; undated articles only where a date decides, and an outlet lets them in."""
    archive = Archive(Path("archive"), BagEncoder())
    folder({"c.txt": dated("2014-06-30", "Valley Herald", "The ferry was sold. " + "It was old, and it was slow, and it leaked. " * 9)})
    six("update")
    assert archive.reach() == Reach(6, archive.census()["passages"])
    passages = len(archive.passages(next(one.id for one in archive.articles() if one.path.endswith("c.txt"))))
    assert passages > 1
    assert archive.reach(Filters(("valley herald",))) == Reach(3, passages + 2)
    assert archive.reach(Filters(("valley herald",), until="2014-12-31")) == Reach(1, passages, undated=1)
    assert archive.reach(Filters(since="2014-06-30")) == Reach(2, passages + 1, undated=2)


def test_search_says_what_was_left_out(six: Run) -> None:
    """On stderr, beside the results."""
    assert six("search", "--since", "2014", "ferry")[2] == "left out: 2 articles without a date\n"
    assert six("search", "--outlet", "valley herald", "--since", "2016", "ferry")[2].splitlines() == [
        "nothing found: there is no article from valley herald, since 2016-01-01",
        "left out: 1 article without a date",
    ]
    assert six("search", "--outlet", "valley herald", "chess")[2] == ""
    assert six("search", "--leg", "bm25", "--outlet", "valley herald", "chess")[2] == "nothing found\n"


def test_ask_is_limited_and_says_to_what(six: Run) -> None:
    """What was searched, and what was left out; for programs too."""
    out = six("ask", "--since", "2014-06", "--until", "2014-06", "was the ferry raised")[1]
    assert "[1] The ferry was raised." in out
    assert out.endswith("Searched 2 passages of 2 articles since 2014-06-01, until 2014-06-30 (2 without a date left out).\n")
    answer = json.loads(six("ask", "--json", "--outlet", "harbour courier", "was the ferry sold")[1])
    assert answer["searched"] == {"articles": 2, "passages": 2, "undated": 0, "limits": "from harbour courier", "stronger": 1, "held": ""}
    assert {one["outlet"] for one in answer["quotes"] + answer["nearest"]} == {"Harbour Courier"}


def test_ask_says_that_a_filter_shuts_everything_out(six: Run) -> None:
    """Rather than that nothing matches; and where there is an answer without it."""
    searched = (
        "The archive does not say: it has no article since 2016-01-01.\n"
        "\nSearched 0 passages of 0 articles since 2016-01-01 (2 without a date left out).\n"
    )
    sold = "There is an answer outside these limits: Valley Herald · 2014-06-30 · The ferry was sold.\n"
    assert six("ask", "--since", "2016", "was the ferry sold")[1] == searched + sold
    assert six("ask", "--since", "2016", "who composed the march of the glaziers")[1] == searched


def test_an_abstention_under_a_filter_speaks_of_what_passes(
    archive: Archive, folder: Folder, strict: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of the question may stand in what was left out."""
    archive.add([folder(FILES)])
    assert ask("was the ferry sold", archive, Filters(("harbour courier",))).reason == (
        "no article from harbour courier has the word “sold”; 1 stronger passage lies outside these limits"
    )
    assert ask("was the ferry sold, sunk or raised", archive, Filters(("valley herald",))).reason.startswith(
        "no article from valley herald has the words “sunk”, “raised”; "
    )
    assert ask("was it the ferry that sank", archive, Filters(("harbour courier",))).reason == (
        "no sentence of the articles from harbour courier comes close enough to answering it"
    )
    monkeypatch.setattr(archive, "search", lambda *_: [])
    assert ask("was the ferry sold", archive, Filters(until="2014-12-31")).reason == "nothing until 2014-12-31 matches the question"


RAISED = {
    "within.txt": dated("2020-01-01", "Courier", "The ferry is blue."),
    "one.txt": dated("2014-01-01", "Courier", "The ferry Anna Bree was raised by divers."),
    "two.txt": dated("2014-01-02", "Courier", "Divers raised the ferry Anna Bree."),
    "weaker.txt": dated(
        "2014-01-03", "Courier", "A ferry came, as every day, with the mail, some sheep and the doctor, and left for home in the rain."
    ),
    "other.txt": dated("2014-01-04", "Courier", "The dam cracked."),
}


def test_an_abstention_counts_the_stronger_passages_that_a_filter_shut_out(archive: Archive, folder: Folder, strict: None) -> None:
    """Those above the best one inside, in every form that an answer takes; nothing where a word of the question is all that is missed."""
    archive.add([folder(RAISED)])
    question = "did divers raise the ferry Anna Bree"
    ranked = [Path(archive.article(hit.passage.article_id).path).name for hit in archive.search(question)]
    assert ranked.index("within.txt") == 2
    answer = ask(question, archive, filters(["courier"], "2020", None))
    said = "2 stronger passages lie outside these limits"
    assert (answer.searched.stronger, answer.as_dict()["searched"]["stronger"]) == (2, 2)
    assert answer.reason.endswith(f"; {said}")
    for form in export.FORMATS.values():
        assert said in form(answer)
    assert said in message.whole(answer, "?q=ferry")
    for unlimited in (ask(question, archive), ask(question, archive, Filters(until="2014-12-31"))):
        assert (unlimited.outcome, unlimited.searched.stronger) == ("abstained", 0)
        assert "stronger" not in unlimited.reason
    assert ask("chess in Oslo", archive, filters([], "2020", None)).searched.stronger == 0


def test_an_answer_within_its_limits_counts_nothing(archive: Archive, folder: Folder) -> None:
    """What else there is would be a better answer only where there is none."""
    archive.add([folder(RAISED)])
    question = "was the ferry Anna Bree raised by divers"
    assert ask(question, archive).quotes[0].article.published == "2014-01-01"
    answer = ask(question, archive, filters([], "2014-01-02", "2014-01-02"))
    assert (answer.outcome, answer.searched.stronger) == ("answered", 0)


@pytest.mark.parametrize(
    "limits",
    [
        Filters(), Filters(("harbour COURIER",)), Filters(("Valley Herald", "Harbour Courier"), since="2014-06-01"),
        Filters(since="2014-06-01"), Filters(until="2014-06-30"), Filters(since="2014-06-01", until="2014-06-30"),
        Filters(since="2016-01-01"),
    ],
)  # fmt: skip
def test_filters_admit_what_a_search_with_them_finds(archive: Archive, folder: Folder, limits: Filters) -> None:
    """Article by article."""
    archive.add([folder(FILES)])
    found = {hit.passage.article_id for hit in archive.search("ferry", filters=limits)}
    assert found == {article.id for article in archive.articles() if limits.admits(article)}


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--outlet", "x" * 501], "--outlet: it has 501 characters: at most 500"),
        (["--until", "2" * 100_000], "--until: it has 100,000 characters: at most 500"),
        (["--outlet", "harbor courier"], "no article is from there; the nearest of 2 outlets: Harbour Courier, Valley Herald"),
        (
            ["--outlet", "Harbour Courier", "--outlet", "herald"],
            "--outlet herald: no article is from there; the nearest of 2 outlets: Valley",
        ),
        (["--outlet", " "], "--outlet: give the name of an outlet"),
        (["--since", "yesterday"], "--since 'yesterday': not a date: give a day"),
        (["--since", "2015", "--until", "2014-06"], "--since 2015 is after --until 2014-06: nothing lies between"),
    ],
)
def test_a_wrong_filter_is_one_clear_line(six: Run, command: str, options: list[str], says: str) -> None:
    """Exit code 2, and no result."""
    code, out, err = six(command, *options, "ferry")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_name_that_holds_what_was_typed_is_nearest(run: Run, folder: Folder) -> None:
    """Before one that is only spelt alike."""
    outlets = ("Limes", "Tides", "The Selwyn Evening Times", "Mines")
    run("add", str(folder({f"{at}.txt": dated("2014", outlet, "The ferry sank.") for at, outlet in enumerate(outlets)})))
    assert "nearest of 4 outlets: The Selwyn Evening Times, Limes, Tides\n" in run("search", "--outlet", "times", "ferry")[2]


def test_an_archive_without_outlets_says_so(run: Run, folder: Folder) -> None:
    """There is none to name."""
    run("add", str(folder({"a.txt": "The ferry sank."})))
    assert run("search", "--outlet", "Courier", "ferry")[2] == "clippings: --outlet Courier: no article of the archive names its outlet\n"
