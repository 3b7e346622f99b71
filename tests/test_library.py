"""The Library page's own parts, without a browser: files that are sent, the list, the way back, and what is shown."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import BagEncoder

from index import Archive
from index.changes import Added, Report
from index.errors import ArchiveError, ArticleError
from index.listing import Listed
from index.records import Article
from index.writer import writer
from qa.web import adds, kept, markup
from qa.web.adds import Adds
from qa.web.kept import REFUSED, TAKEN, UNCHANGED, Kept, Line, Sent, Session
from qa.web.shelf import Shelf

EVIL = "<img src=x onerror=alert(1)>${7*7}{{value}}`"
STORM = "Storm\n\nNine people died in the storm."
Send = Callable[..., list[Line]]


def quiet(stage: str, done: int, total: int) -> None: ...


@pytest.fixture
def filled(archive: Archive, folder: Callable[[dict[str, str]], Path]) -> Archive:
    archive.add([folder({"ferry.txt": "Ferry sinks\n\nThe ferry sank off Selwyn.", "bad.pdf": "no"})])
    return archive


@pytest.fixture
def files(filled: Archive, tmp_path: Path) -> Kept:
    return Kept(filled, tmp_path / "received")


@pytest.fixture
def send(files: Kept, tmp_path: Path) -> Send:
    """Have the server receive files by name, and add them."""

    def sent(session: Session | None = None, /, **contents: str | bytes) -> list[Line]:
        told = [receive(tmp_path / "received", name.replace("__", "."), content) for name, content in contents.items()]
        return files.add(told, session or Session(), quiet)

    return sent


def receive(received: Path, name: str, content: str | bytes) -> Sent:
    data = content.encode() if isinstance(content, str) else content
    handle = hashlib.sha256(b"seed" + data).hexdigest()
    (received / handle).mkdir(parents=True, exist_ok=True)
    (received / handle / Path(name).name).write_bytes(data)
    return Sent(name, len(data), handle)


def outcomes(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.outcome, line.detail) for line in lines]


def copies(files: Kept) -> list[str]:
    return sorted(file.name for file in files.folder.rglob("*") if file.is_file())


def test_a_file_is_taken_and_kept(send: Send, files: Kept, filled: Archive, tmp_path: Path) -> None:
    """Below the archive, where an update finds it again; what the server received is deleted."""
    (line,) = send(storm__txt=STORM)
    assert (line.name, line.outcome, filled.article(line.article).title) == ("storm.txt", TAKEN, "Storm")
    assert copies(files) == ["storm.txt"]
    assert list((tmp_path / "received").iterdir()) == []
    assert filled.update() == Added(unchanged=2, waiting=1)
    assert filled.check().whole


def test_adding_the_folder_above_keeps_what_was_sent(send: Send, filled: Archive, tmp_path: Path) -> None:
    """Though a walk passes by archives."""
    send(storm__txt=STORM)
    assert filled.add([tmp_path]).removed == 0
    assert filled.listed("storm").total == 1


def test_the_same_file_is_kept_once(send: Send, files: Kept, filled: Archive) -> None:
    """Sent twice together, later, by another name, or from a folder of the archive; as another format it is another text."""
    assert [line.outcome for line in send(storm__txt=STORM, copy__txt=STORM)] == [TAKEN, UNCHANGED]
    (again,) = send(again__txt=STORM)
    (ferry,) = send(mine__txt="Ferry sinks\n\nThe ferry sank off Selwyn.")
    assert (again.outcome, again.detail) == (ferry.outcome, ferry.detail) == (UNCHANGED, "the archive has it already")
    assert filled.article(ferry.article).title == "Ferry sinks"
    assert copies(files) == ["storm.txt"]
    assert [line.outcome for line in send(storm__md=STORM)] == [TAKEN]
    assert copies(files) == ["storm.md", "storm.txt"]


def test_another_file_of_the_same_name_replaces_nothing(send: Send, filled: Archive) -> None:
    """Both are articles."""
    send(page__txt="Nine people drowned.")
    send(page__txt="A mast fell.")
    assert filled.census()["articles"] == 3


def test_what_is_not_taken_is_named_and_leaves_nothing(send: Send, files: Kept, filled: Archive, tmp_path: Path) -> None:
    """Neither in the archive's memory nor on the disk."""
    before = filled.places(), filled.failed().keys()
    lines = send(bad__pdf="no", empty__txt="", pic__png="x", rows__csv="a,b\n1,2\n")
    assert [line.outcome for line in lines] == [REFUSED] * 4
    reasons = ("its content is not a PDF file", "no article text in it", "not a format that is read here", "no column is named")
    assert [line.detail.startswith(reason) for line, reason in zip(lines, reasons, strict=True)] == [True] * 4
    assert (filled.places(), filled.failed().keys()) == before
    assert copies(files) == []
    assert list((tmp_path / "received").iterdir()) == []
    assert [line.detail for line in send(bad__pdf="no")] == ["its content is not a PDF file"]  # tried again


def test_a_file_of_several_says_how_many(send: Send, filled: Archive) -> None:
    """And which lines were not taken; those are remembered with the rest."""
    content = '{"text": "Nine drowned."}\nnot json\n{"text": "A mast fell."}\n'
    (line,) = send(two__jsonl=content)
    assert (line.outcome, line.article) == (TAKEN, "")
    assert line.detail.startswith("2 articles; 1 not taken: line 2: not a JSON line")
    assert outcomes(send(two__jsonl=content)) == [(UNCHANGED, "the archive has it already; 1 not taken")]
    assert len(filled.failed()) == 2


def test_limits_are_the_servers(send: Send, files: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a file's size, whatever the page says of it; of a session's files and bytes; of the disk."""
    monkeypatch.setattr(kept, "MAX_FILE", 60)
    told = receive(tmp_path / "received", "long.txt", "rain " * 20)
    assert "at most" in files.add([Sent("long.txt", 1, told.handle)], Session(), quiet)[0].detail
    assert "at most" in files.add([Sent("long.txt", 100, "")], Session(), quiet)[0].detail
    assert list((tmp_path / "received").iterdir()) == []
    monkeypatch.setattr(kept, "MAX_FILES", 2)
    session = Session()
    lines = send(session, a__txt="Nine drowned.", b__txt="A mast fell.", c__txt="It rained.")
    assert [line.outcome for line in lines] == [TAKEN, TAKEN, REFUSED]
    assert lines[2].detail.startswith("2 files were sent from this tab")
    monkeypatch.setattr(kept, "MAX_BYTES", 10)
    assert "MB were sent from this tab" in send(d__txt="It hailed for hours.")[0].detail
    monkeypatch.setattr(kept, "MAX_BYTES", 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(kept.MIN_FREE))
    assert outcomes(send(e__txt="It snowed.")) == [(REFUSED, "the disk is too full to keep it")]


@pytest.mark.parametrize("handle", ["", "..", "../received", "/etc", "f" * 63, "F" * 64, "f" * 64, "f" * 64 + "\n"])
def test_a_page_names_no_path(files: Kept, tmp_path: Path, handle: str) -> None:
    """Only the handle of something that was received."""
    (tmp_path / "received").mkdir()
    (tmp_path / "secret.txt").write_text("Nobody may read this.")
    assert outcomes(files.add([Sent("a.txt", 1, handle)], Session(), quiet)) == [(REFUSED, "it did not arrive: send it again")]
    assert (tmp_path / "secret.txt").exists()


def test_a_file_that_was_refused_says_why(files: Kept) -> None:
    """As the server told the page, on one line."""
    (sent,) = adds._sent({"files": [{"name": "a.txt", "size": 1, "handle": "", "reason": "Too much was sent:\n wait. " + "x" * 500}]})
    (line,) = files.add([sent], Session(), quiet)
    assert line.detail.startswith("Too much was sent: wait. x")
    assert len(line.detail) <= 200
    assert outcomes(files.add([Sent("a.txt", 1, "", "Full.")], Session(), quiet)) == [(REFUSED, "Full")]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("notes.txt", "notes.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\Página 1.HTML", "Página 1.html"),
        (".hidden.txt", "hidden.txt"),
        ("corpus.jsonl#7.txt", "corpus_jsonl_7.txt"),
        ("feed.xml.gz", "feed.gz".replace(".gz", ".xml.gz")),
        ("<img src=x onerror=alert(1)>.txt", "img src_x onerror_alert(1).txt"),
        ("\u202egpj.txt", "gpj.txt"),
        ("हिन्दी.txt", "हिन्दी.txt"),
        ("é" * 200 + ".pdf", "é" * 40 + ".pdf"),
        ("   .txt", "article.txt"),
        ("a\x00b\n.txt", "a_b.txt"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    """Letters of any script stay; folders, controls, signs and length go."""
    assert kept.safe_name(name) == safe


def test_while_another_process_writes_nothing_is_lost(send: Send, files: Kept, filled: Archive) -> None:
    """One line says so; the copy goes with the next sweep."""
    with writer(filled.path, BagEncoder()):
        (filled.path / "lock").write_text("77")
        (line,) = send(storm__txt=STORM)
    assert (line.outcome, line.detail) == (REFUSED, "the archive: another process (77) is adding to it; try again when it is done")
    assert str(filled.path) not in line.detail
    assert [line.outcome for line in send(storm__txt=STORM)] == [TAKEN]


def test_our_own_add_is_no_other_process(filled: Archive, files: Kept) -> None:
    """What is taken out meanwhile is told what goes on."""
    shelf = Shelf(filled, files)
    with writer(filled.path, BagEncoder()):
        (filled.path / "lock").write_text(str(os.getpid()))
        told = shelf.remove(filled.listed().articles[0].id)
    assert told == {"error": "files are being added to the archive now: try again when that is done."}


def test_a_disk_that_fails_is_one_line(send: Send, files: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the file that it failed for."""

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    assert outcomes(send(storm__txt=STORM)) == [(REFUSED, "it cannot be kept: Input/output error")]


def test_copies_of_no_article_are_swept(send: Send, files: Kept, filled: Archive) -> None:
    """Not the young ones, which an add may be about to take, nor those of an article that may come back."""
    (line,) = send(storm__txt=STORM)
    send(ice__txt="Ice\n\nThe pond froze.")
    path = Path(filled.article(line.article).path)
    filled.take_out(line.article)
    files.sweep(())
    assert path.exists()
    for file in files.folder.rglob("*.txt"):
        os.utime(file, (0, 0))
    files.left(str(path))
    files.sweep(())
    assert path.exists()
    os.utime(path, (0, 0))
    files.sweep([str(path)])
    assert path.exists()
    files.sweep(())
    assert copies(files) == ["ice.txt"]
    assert filled.update().rejected == []


def test_a_swept_file_of_several_is_forgotten(send: Send, files: Kept, filled: Archive) -> None:
    """An update does not look for it."""
    send(two__jsonl='{"_id": "1", "text": "Nine drowned."}\n')
    (article,) = [one for one in filled.articles() if one.path.endswith("#1")]
    filled.take_out(article.id)
    for file in files.folder.rglob("*.jsonl"):
        os.utime(file, (0, 0))
    files.sweep(())
    assert copies(files) == []
    assert filled.update().rejected == []


def test_the_list_is_paged_and_stays_a_list(filled: Archive, files: Kept) -> None:
    """Whatever is asked."""
    shelf = Shelf(filled, files)
    assert shelf.listing({"find": "ferry"})["count"] == "1 article"
    assert shelf.listing({"find": "zebra"})["count"].startswith("No article fits")
    for asked in (None, [], "x", {"page": "x"}, {"page": -1}, {"page": True}, {"order": EVIL}, {"find": {"a": 1}}, {"find": "x" * 10**6}):
        assert "error" not in shelf.listing(asked)
    assert shelf.listing({"page": 10**8}) == shelf.listing({})
    assert shelf.listing({"since": "2020-13-01"})["error"].startswith("the first day '2020-13-01': not a date")


def test_removing_has_a_way_back(send: Send, files: Kept, filled: Archive) -> None:
    """Once; a token that is none is told."""
    shelf = Shelf(filled, files)
    (line,) = send(storm__txt=STORM)
    told = shelf.remove(line.article)
    assert told["title"] == "Storm"
    assert filled.listed("storm").total == 0
    assert shelf.may_come_back() == [str(next(files.folder.rglob("*.txt")))]
    assert shelf.put_back(told["token"]) == {"id": line.article, "title": "Storm"}
    assert filled.listed("storm").total == 1
    assert shelf.may_come_back() == []
    for token in (told["token"], "x", None, 7):
        assert "no way back" in shelf.put_back(token)["error"]
    assert "error" in shelf.remove(line.article + "x")


def test_errors_tell_no_path(filled: Archive, files: Kept) -> None:
    """Of an article that is none, and of an archive that is damaged."""
    shelf = Shelf(filled, files)
    (segment,) = (filled.path / "seg").iterdir()
    damaged = next(file for file in segment.iterdir() if file.name.startswith("vectors"))
    damaged.write_bytes(bytes(len(damaged.read_bytes())))
    told = [shelf.article("x")["error"], shelf.check(None)["line"]]
    assert told[0] == "no article x in the archive."
    assert told[1].startswith("Not whole: the archive/seg/")
    assert str(filled.path) not in " ".join(told)


def test_the_state_is_told(filled: Archive, files: Kept) -> None:
    """What the archive holds; what failed, and why, by a path that begins where it was given."""
    told = Shelf(filled, files).state(None)
    for fact in ("<dd>1</dd>", "<dd>bag</dd>", time.strftime("%Y-%m-%d"), "articles/bad.pdf", "its content is not a PDF file"):
        assert fact in told["html"]
    assert str(filled.path.parent) not in told["html"]
    assert Shelf(filled, files).check(None)["line"].startswith("Whole")


def test_what_is_shown_is_escaped() -> None:
    """Title, outlet, file name, reason: all of it as text."""
    article = Article("a1", EVIL, EVIL, EVIL, "", "2020-01-01", "", f"/x/{EVIL}", "0")
    shown = [
        markup.listing(Listed([article], 0, 1), 50),
        markup.outlets([EVIL]),
        markup.failures({f"/x/{EVIL}": ArticleError(f"/x/{EVIL}", EVIL)}, {"/x": True}),
        markup.lines([Line(EVIL, REFUSED, EVIL), Line(EVIL, TAKEN, "", "a1")], {"a1": EVIL}),
    ]
    for html in shown:
        assert "<img" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;${7*7}{{value}}`" in html


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/home/me/articles/2014/a.pdf", "articles/2014/a.pdf"),
        ("/home/me/articles/b.jsonl:12", "articles/b.jsonl:12"),
        ("/home/me/one.pdf", "one.pdf"),
        ("/home/me/lines.jsonl:3", "lines.jsonl:3"),
        ("/elsewhere/secret/c.pdf", "c.pdf"),
    ],
)
def test_a_path_is_told_from_where_it_was_given(path: str, told: str) -> None:
    """Nothing above."""
    assert (
        markup.shown(path, {"/home/me/articles": True, "/home/me/one.pdf": True, "/home/me/lines.jsonl": True, "/elsewhere": False}) == told
    )


def test_pages_lead_on_and_back() -> None:
    """Not beyond the first and the last."""
    article = Article("a1", "t", "x", "", "", "", "", "/x/a.txt", "0")
    first, last = (markup.listing(Listed([article] * 50, at, 100), 50) for at in (0, 50))
    assert ('data-page="-1" disabled' in first, 'data-page="1">Next' in first) == (True, True)
    assert ('data-page="0">Previous' in last, 'data-page="2" disabled' in last) == (True, True)
    assert "page 2 of 2" in last
    assert markup.counted(Listed([article] * 50, 50, 1234), False) == "1,234 articles, 51 to 100 shown"


# Adds

TAB, OTHER = "a" * 32, "b" * 32


class Held:
    """In place of `Kept`: an add that goes on, reading its first file of two, until it is let go; then it takes all, or fails."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.fails: Exception | None = None
        self.sessions: list[Session] = []
        self.turn = threading.Lock()

    def add(self, sent: list[Sent], session: Session, report: Report) -> list[Line]:
        with self.turn:
            self.sessions.append(session)
            report("reading", 1, 2)
            report("keeping", 0, 0)
            assert self.let_go.wait(20)
            if self.fails:
                raise self.fails
            return [Line(one.name, TAKEN) for one in sent]

    def sweep(self, wanted: object) -> None: ...


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.let_go.set()


def begin(some: Adds, *names: str, tab: str = TAB) -> dict[str, object]:
    return some.begin({"page": tab, "files": [{"name": name} for name in names]})


def told_when(some: Adds, holds: Callable[[dict[str, object]], object], tab: str = TAB, seen: int = 0) -> dict[str, object]:
    end = time.monotonic() + 20
    while not holds(told := some.told({"page": tab, "seen": seen})):
        assert time.monotonic() < end
        time.sleep(0.01)
    return told


def over(told: dict[str, object]) -> bool:
    return not told["running"]


def test_a_page_that_is_opened_again_finds_its_adds(filled: Archive, held: Held) -> None:
    """How far each is, also one that waits; then the lines of all, of which a page that stayed asks for the new ones alone."""
    some = Adds(filled, held, list)
    assert begin(some, "a.txt") == {}
    told_when(some, lambda told: "Reading files: 1 of 2" in told["running"])
    assert begin(some, "b.txt") == {}
    waiting = told_when(some, lambda told: told["running"].count("<progress") == 2)
    assert waiting["running"].count("Waiting …") == 1
    assert (waiting["found"], waiting["seen"]) == ([], 0)
    held.let_go.set()
    told = told_when(some, over)
    assert [("a.txt" in one, "b.txt" in one) for one in told["found"]] == [(True, False), (False, True)]
    assert told["seen"] == 2
    assert [len(some.told({"page": TAB, "seen": seen})["found"]) for seen in (0, 1, 2, 3, -1, "x", None)] == [2, 1, 0, 2, 2, 2, 2]
    assert held.sessions[0] is held.sessions[1]


def test_an_add_that_waits_for_those_of_others_says_so(filled: Archive, held: Held) -> None:
    """And is told to nobody else."""
    some = Adds(filled, held, list)
    begin(some, "a.txt")
    told_when(some, lambda told: "Reading" in told["running"])
    begin(some, "b.txt", tab=OTHER)
    assert "Waiting" in some.told({"page": OTHER})["running"]
    held.let_go.set()
    assert "b.txt" in "".join(told_when(some, over, OTHER)["found"])
    assert "b.txt" not in "".join(told_when(some, over)["found"])
    assert held.sessions[0] is not held.sessions[1]


def test_adds_are_remembered_as_far_as_it_goes(filled: Archive, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines of the last pages; those that go on are not forgotten."""
    monkeypatch.setattr(adds, "_LINES", 3)
    monkeypatch.setattr(adds, "_PAGES", 2)
    some = Adds(filled, held, list)
    begin(some, "a.txt", "b.txt")
    for tab in "cde":
        begin(some, "c.txt", tab=tab * 32)
    held.let_go.set()
    told_when(some, over)
    for tab in "cde":
        told_when(some, over, tab * 32)
    begin(some, "d.txt", "e.txt")
    told = told_when(some, over)
    assert (len(told["found"]), told["seen"]) == (1, 2)
    assert [some.told({"page": TAB, "seen": seen})["found"] for seen in (1, 2)] == [told["found"], []]


def test_so_many_adds_go_on_at_a_time(filled: Archive, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none for a page without a name, which others could ask for too."""
    monkeypatch.setattr(adds, "_RUNNING", 2)
    some = Adds(filled, held, list)
    assert [begin(some, "a.txt", tab=tab) for tab in (TAB, OTHER)] == [{}, {}]
    assert str(begin(some, "a.txt")["error"]).startswith("Too many files are being added")
    for asked in (None, [], "x", {}, {"page": "x"}, {"page": 7}, {"page": TAB + "\n"}):
        assert "error" in some.begin(asked)
        assert some.told(asked) == {"running": "", "found": [], "seen": 0}


def test_an_add_that_fails_has_its_lines_too(filled: Archive, held: Held) -> None:
    """A damaged archive cannot even be read before."""
    held.fails = ArchiveError(f"{filled.path}/store.db: is damaged")
    held.let_go.set()
    some = Adds(filled, held, list)
    begin(some, "a.txt", "b.txt")
    (shown,) = told_when(some, over)["found"]
    assert shown.count("the archive/store.db: is damaged") == 2
    assert "b.txt" in shown


def test_a_fault_of_the_server_is_told(filled: Archive, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the page in a line for each file, and in full on the terminal."""
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    held.fails = RuntimeError("no")
    held.let_go.set()
    some = Adds(filled, held, list)
    begin(some, "a.txt")
    assert "not taken: the server failed" in told_when(some, over)["found"][0]
    told_when(some, lambda _: raised)
    assert raised[0].exc_value is held.fails


def test_what_a_page_sends_may_be_anything() -> None:
    """It becomes files that did not arrive, or none."""
    assert [adds._sent(asked) for asked in (None, "x", {}, {"files": None}, {"files": [1, None, []]})] == [[]] * 5
    assert adds._sent({"files": [{"name": 7, "size": "x", "handle": ["/etc"], "reason": 5}]}) == [Sent("7", 0, "")]
    assert len(adds._sent({"files": [{}] * 5000})) == kept.MAX_FILES
