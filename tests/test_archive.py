from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import BagEncoder

from index import Archive, Filters, generation, segment, store
from index.errors import ArchiveError, CorruptError, MismatchError, UsageError

Folder = Callable[[dict[str, str]], Path]

FERRY = "The ferry sank off Selwyn. Nine people died."
DAM = "The dam cracked on Sunday. The valley was emptied."


def titles(archive: Archive, query: str, k: int = 5, filters: Filters | None = None) -> list[str]:
    return [Path(archive.article(hit.passage.article_id).path).name for hit in archive.search(query, k, filters)]


def test_what_is_added_is_found(archive: Archive, folder: Folder) -> None:
    """The best passage first, with its rank in each leg and the words matched."""
    home = folder({"ferry.txt": FERRY, "dam.txt": DAM})
    added = archive.add([home])
    assert (added.new, added.changed, added.unchanged, added.removed, added.embedded) == (2, 0, 0, 0, 2)
    hit = archive.search("when was the valley emptied")[0]
    assert archive.text(hit.passage) == DAM
    assert (hit.why.bm25, hit.why.dense, hit.why.terms) == (1, 1, ("valley", "emptied"))


def test_a_passage_is_carried_by_its_article(archive: Archive, folder: Folder) -> None:
    """Of two equal passages, the one whose article speaks of the question elsewhere too comes first, whatever was added before."""
    filler = " ".join(["Nothing of note was said in the long hours of that quiet day by anybody at all."] * 2)
    other = f"{filler} Nine people died. {filler}"
    about = f"{filler} Nine people died. {filler} {filler} Selwyn mourned the ferry in silence for a week."
    home = folder({"a.txt": other, "b.txt": about, "c.txt": DAM})
    archive.add([home])
    folder({"c.txt": FERRY.replace("Nine", "Two")})
    archive.add([home])
    hits = [
        hit for hit in archive.search("nine people died Selwyn ferry", 10, legs=("bm25",)) if "Nine people" in archive.text(hit.passage)
    ]
    assert Path(archive.article(hits[0].passage.article_id).path).name == "b.txt"


def test_adding_again_embeds_nothing(archive: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """Unchanged articles are known by their content."""
    home = folder({"ferry.txt": FERRY, "dam.txt": DAM})
    archive.add([home])
    encoder.encoded.clear()
    added = archive.add([home])
    assert (added.new, added.changed, added.unchanged, added.removed, added.embedded) == (0, 0, 2, 0, 0)
    assert encoder.encoded == []


def test_one_article_more_embeds_one_article(archive: Archive, folder: Folder, encoder: BagEncoder) -> None:
    """The vectors of the others are kept."""
    archive.add([folder({f"{number}.txt": f"Story {number} is here." for number in range(50)})])
    encoder.encoded.clear()
    archive.add([folder({"ferry.txt": FERRY})])
    assert [text.split("\n")[-1] for text in encoder.encoded] == [FERRY]
    assert titles(archive, "ferry Selwyn", 1) == ["ferry.txt"]
    assert titles(archive, "story 17", 1) == ["17.txt"]


def test_a_changed_article_replaces_its_earlier_version(archive: Archive, folder: Folder) -> None:
    """In both legs, under the same id."""
    archive.add([folder({"ferry.txt": FERRY, "dam.txt": DAM})])
    added = archive.add([folder({"ferry.txt": "The tram stopped in Kestrel."})])
    assert (added.new, added.changed, added.unchanged) == (0, 1, 1)
    assert titles(archive, "tram Kestrel", 1) == ["ferry.txt"]
    assert FERRY not in [archive.text(hit.passage) for hit in archive.search("ferry sank Selwyn", 10)]
    assert archive.census()["articles"] == 2


def test_what_vanished_from_a_folder_is_removed_and_the_rest_of_the_archive_stays(archive: Archive, folder: Folder, tmp_path: Path) -> None:
    """Only below the paths that are given."""
    home = folder({"ferry.txt": FERRY, "dam.txt": DAM})
    elsewhere = tmp_path / "tram.txt"
    elsewhere.write_text("The tram stopped.")
    archive.add([home, elsewhere])
    (home / "ferry.txt").unlink()
    added = archive.add([home])
    assert (added.unchanged, added.removed) == (1, 1)
    assert sorted(titles(archive, "ferry dam tram")) == ["dam.txt", "tram.txt"]


def test_a_file_that_cannot_be_read_any_more_keeps_what_it_gave(archive: Archive, folder: Folder) -> None:
    """Its fault is reported, and nothing is lost by it."""
    home = folder({"ferry.txt": FERRY, "wire.jsonl": json.dumps({"_id": "dam", "text": DAM})})
    archive.add([home])
    (home / "ferry.txt").write_bytes(b"\xff\xfe\x00")
    (home / "wire.jsonl").write_text('{"_id": "dam", "text": "The')
    added = archive.add([home])
    assert [Path(error.path.rpartition(":")[0] or error.path).name for error in added.rejected] == ["ferry.txt", "wire.jsonl"]
    assert all("earlier stays" in error.reason for error in added.rejected)
    assert (added.removed, sorted(titles(archive, "ferry dam"))) == (0, ["ferry.txt", "wire.jsonl#dam"])


def test_articles_can_be_taken_out(archive: Archive, folder: Folder) -> None:
    """By a file or a folder, there still or not; nothing else goes."""
    home = folder({"a/ferry.txt": FERRY, "b/dam.txt": DAM})
    archive.add([home])
    shutil.rmtree(home / "a")
    assert archive.remove([home / "a"]) == 1
    assert titles(archive, "ferry dam") == ["dam.txt"]
    with pytest.raises(UsageError, match="no article of the archive is from"):
        archive.remove([home / "a"])


def test_an_archive_is_not_added_to_itself(tmp_path: Path, folder: Folder) -> None:
    """Where it lies inside the folder that is added."""
    home = folder({"ferry.txt": FERRY})
    inside = Archive(home / "archive", BagEncoder())
    inside.add([home])
    added = inside.add([home])
    assert (added.new, added.unchanged, added.rejected) == (0, 1, [])


def test_a_folder_that_cannot_be_listed_keeps_what_it_gave(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and so is a link to a folder; neither counts as vanished."""
    home = folder({"in/ferry.txt": FERRY, "dam.txt": DAM})
    archive.add([home])
    (home / "link").symlink_to(home / "in")
    real = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("/in"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    added = archive.add([home])
    assert (added.unchanged, added.removed, sorted(Path(error.path).name for error in added.rejected)) == (1, 0, ["in", "link"])
    assert sorted(titles(archive, "ferry dam")) == ["dam.txt", "ferry.txt"]


@pytest.mark.parametrize("bad", ["none", "empty"])
def test_nothing_to_add_changes_nothing(archive: Archive, folder: Folder, tmp_path: Path, bad: str) -> None:
    """A missing path and an empty folder are errors."""
    archive.add([folder({"ferry.txt": FERRY})])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="nothing was changed"):
        archive.add([tmp_path / bad])
    assert titles(archive, "ferry") == ["ferry.txt"]


def test_filters_apply_inside_the_search(archive: Archive, folder: Folder) -> None:
    """A filter that leaves one article of a hundred still finds it, though it ranks last without."""
    head = "---\noutlet: {}\ndate: {}\n---\n"
    crowd = {f"{number}.txt": head.format("Herald", "2020-01-01") + "The ferry ferry ferry sank." for number in range(99)}
    archive.add([folder({**crowd, "last.txt": head.format("Courier", "2014-06-27") + "A dam, and one ferry."})])
    assert titles(archive, "ferry", 1, Filters(outlets=("courier",))) == ["last.txt"]
    assert titles(archive, "ferry", 1, Filters(since="2014-06-27", until="2014-06-27")) == ["last.txt"]
    assert titles(archive, "ferry", 1, Filters(until="2014-06-26")) == []


def test_an_archive_of_another_model_is_refused_by_name(archive: Archive, folder: Folder) -> None:
    """Both models are named, and what to do; adding to it changes nothing."""
    home = folder({"ferry.txt": FERRY})
    archive.add([home])
    other = Archive(archive.path, BagEncoder("other"))
    with pytest.raises(MismatchError, match=r"model bag .* not other .* --archive"):
        other.search("ferry")
    with pytest.raises(MismatchError):
        other.add([folder({"dam.txt": DAM})])
    assert titles(archive, "ferry dam") == ["ferry.txt"]


def test_a_second_model_that_comes_first_to_the_lock_is_refused(archive: Archive, folder: Folder) -> None:
    """Both looked before there was an archive; the one that made it decides."""
    home = folder({"ferry.txt": FERRY})
    other = Archive(archive.path, BagEncoder("other"))
    assert other.encoder.name == "other"
    archive.add([home])
    with pytest.raises(MismatchError, match="made with model bag"):
        other.add([folder({"dam.txt": DAM})])


def test_a_file_without_tables_is_no_archive(archive: Archive, folder: Folder) -> None:
    """What a process leaves that was killed before it made them: the next add makes them."""
    archive.path.mkdir()
    (archive.path / "store.db").touch()
    with pytest.raises(ArchiveError, match="no archive"):
        archive.search("ferry")
    assert archive.add([folder({"ferry.txt": FERRY})]).new == 1


def test_a_path_with_signs_of_an_address_is_a_path(tmp_path: Path, folder: Folder) -> None:
    """%, ? and # name the folder that they stand in."""
    odd = Archive(tmp_path / "a%20b?c#d", BagEncoder())
    odd.add([folder({"ferry.txt": FERRY})])
    assert (tmp_path / "a%20b?c#d" / "store.db").is_file()
    assert titles(odd, "ferry") == ["ferry.txt"]


def test_a_missing_archive_says_how_to_make_one(archive: Archive) -> None:
    """And does not make one by being asked."""
    with pytest.raises(ArchiveError, match="clippings add"):
        archive.search("ferry")
    assert not archive.path.exists()


def test_a_second_writer_is_refused_at_once(archive: Archive, folder: Folder) -> None:
    """The lock is the operating system's: it goes with the process that holds it."""
    home = folder({"ferry.txt": FERRY})
    archive.add([home])
    with (archive.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ArchiveError, match="another process"):
            archive.add([home])
    archive.add([home])


def test_an_open_archive_finds_what_another_process_added(archive: Archive, folder: Folder) -> None:
    """Each search reads the newest commit."""
    archive.add([folder({"ferry.txt": FERRY})])
    reader = Archive(archive.path, BagEncoder())
    assert titles(reader, "dam") == ["ferry.txt"]
    archive.add([folder({"dam.txt": DAM})])
    assert titles(reader, "dam", 1) == ["dam.txt"]


@pytest.mark.parametrize("fault", ["write", "commit"])
def test_a_fault_while_adding_leaves_the_earlier_state(
    archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Files of a segment that was never committed are litter; the next add goes on as if nothing had been."""
    archive.add([folder({"ferry.txt": FERRY})])
    home = folder({"dam.txt": DAM})
    with monkeypatch.context() as patched:
        target = (segment, "write") if fault == "write" else (store.Store, "commit")
        patched.setattr(*target, lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ArchiveError, match=r"No space left on device.*what was committed stays"):
            archive.add([home])
    assert titles(Archive(archive.path, BagEncoder()), "ferry dam") == ["ferry.txt"]
    assert archive.add([home]).new == 1
    assert sorted(titles(archive, "ferry dam")) == ["dam.txt", "ferry.txt"]
    assert len(list((archive.path / "seg").iterdir())) == 2


def test_a_large_add_commits_as_it_goes(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch, encoder: BagEncoder) -> None:
    """An interrupted add keeps its commits, and the next one embeds the rest only."""
    monkeypatch.setattr("index.update._BATCH", 2)
    home = folder({f"{number}.txt": f"Story {number} is here." for number in range(6)})
    real, calls = encoder.encode, []

    def interrupted(texts: list[str], progress: object = None) -> object:
        calls.append(texts)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(texts)

    monkeypatch.setattr(encoder, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        archive.add([home])
    monkeypatch.setattr(encoder, "encode", real)
    added = archive.add([home])
    assert (added.new, added.unchanged, added.embedded) == (2, 4, 2)
    assert sorted(titles(archive, "story", 10)) == [f"{number}.txt" for number in range(6)]


def test_a_damaged_file_is_named_before_it_is_read(archive: Archive, folder: Folder) -> None:
    """Each file of a segment: one flipped bit."""
    archive.add([folder({"ferry.txt": FERRY, "dam.txt": DAM})])
    for file in sorted((archive.path / "seg").rglob("*.*")):
        whole = file.read_bytes()
        file.write_bytes(bytes([*whole[:-1], whole[-1] ^ 1]))
        with pytest.raises(CorruptError, match=file.name):
            Archive(archive.path, BagEncoder()).search("ferry")
        file.write_bytes(whole)
    assert titles(Archive(archive.path, BagEncoder()), "ferry", 1) == ["ferry.txt"]


@pytest.mark.parametrize("table", ["article", "passage", "segment"])
def test_a_changed_row_is_noticed(archive: Archive, folder: Folder, table: str) -> None:
    """SQLite does not notice; the digests do."""
    archive.add([folder({"ferry.txt": FERRY})])
    change = {
        "article": "UPDATE article SET text = replace(text, 'Nine', 'Five')",
        "passage": "UPDATE passage SET end = end - 1",
        "segment": "UPDATE segment SET passages = passages + 1",
    }
    store.Store(archive.path / "store.db", write=True)._db.execute(change[table])
    again = Archive(archive.path, BagEncoder())
    with pytest.raises(CorruptError, match="not what was written"):
        again.text(again.search("ferry")[0].passage)


def test_an_emptied_archive_answers_with_nothing(archive: Archive, folder: Folder) -> None:
    """The last article can go too."""
    home = folder({"ferry.txt": FERRY})
    archive.add([home])
    (home / "ferry.txt").rename(home / "ferry.pdf")
    added = archive.add([home])
    assert (added.removed, len(added.rejected)) == (1, 1)
    assert titles(archive, "ferry") == []
    assert archive.census()["passages"] == 0
    (home / "ferry.pdf").rename(home / "ferry.txt")
    archive.add([home])
    assert titles(archive, "ferry") == ["ferry.txt"]


def test_a_first_add_killed_before_its_tables_leaves_no_archive(archive: Archive, folder: Folder) -> None:
    """Its journal is left, which a reader cannot play back; the next add does."""
    archive.path.mkdir()
    for name in ("store.db", "store.db-journal"):
        (archive.path / name).touch()
    assert not archive.exists
    archive.add([folder({"ferry.txt": FERRY})])
    assert archive.exists
    assert titles(Archive(archive.path, BagEncoder()), "ferry") == ["ferry.txt"]


def test_a_missing_segment_is_named(archive: Archive, folder: Folder) -> None:
    """Rather than searched around."""
    archive.add([folder({"ferry.txt": FERRY})])
    shutil.rmtree(archive.path / "seg")
    with pytest.raises(CorruptError, match="missing"):
        Archive(archive.path, BagEncoder()).search("ferry")


def test_a_commit_while_a_reader_opens_is_no_fault(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader takes the newer commit instead of the files that are gone."""
    archive.add([folder({"ferry.txt": FERRY})])
    reader, real = Archive(archive.path, BagEncoder()), segment.open_segment
    home = folder({"ferry.txt": DAM})

    def late(place: Path, listed: segment.Segment) -> segment.OpenSegment:
        monkeypatch.setattr(generation, "open_segment", real)
        archive.add([home])
        assert not (place / listed.name).exists()
        return real(place, listed)

    monkeypatch.setattr(generation, "open_segment", late)
    assert reader.text(reader.search("dam")[0].passage) == DAM


@pytest.mark.parametrize("legs", [("bm25",), ("bm25", "dense")])
def test_an_archive_of_another_version_is_refused(
    archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch, legs: tuple[str, ...]
) -> None:
    """By words alone too, where no model is asked for."""
    archive.add([folder({"ferry.txt": FERRY})])
    monkeypatch.setattr("index.fingerprint.VERSIONS", [0])
    with pytest.raises(MismatchError, match="another version"):
        Archive(archive.path, BagEncoder()).search("ferry", legs=legs)


def test_one_leg_leaves_the_vectors_alone_and_the_other_still_checks_them(archive: Archive, folder: Folder) -> None:
    """A search by words needs no vectors; one by meaning, by the same reader, finds that they are spoilt."""
    archive.add([folder({"ferry.txt": FERRY})])
    vectors = next(archive.path.rglob("vectors.faiss"))
    vectors.write_bytes(vectors.read_bytes()[:-6] + b"spoilt")
    reader = Archive(archive.path, BagEncoder())
    assert len(reader.search("ferry", legs=("bm25",))) == 1
    with pytest.raises(CorruptError, match="vectors"):
        reader.search("ferry")


def test_status_counts_what_there_is(archive: Archive, folder: Folder) -> None:
    """Articles, passages, outlets, dates, model, bytes."""
    archive.add([folder({"a.txt": "---\noutlet: Courier\ndate: 2014-06-27\n---\nIt sank.", "b.txt": DAM})])
    status = archive.status()
    assert (status["articles"], status["passages"], status["outlets"], status["model"]) == (2, 2, 1, "bag")
    assert (status["first_date"], status["last_date"]) == ("2014-06-27", "2014-06-27")
    assert status["bytes"] > 1000


def test_a_commit_between_two_reads_of_the_manifest_is_no_damage(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is several rows, and a digest over them: they are read as of one commit."""
    archive.add([folder({"ferry.txt": FERRY})])
    reader, real = Archive(archive.path, BagEncoder()), store.Store._manifest_digest

    def late(self: store.Store) -> str:
        monkeypatch.setattr(store.Store, "_manifest_digest", real)
        archive.add([folder({"dam.txt": DAM})])
        return real(self)

    monkeypatch.setattr(store.Store, "_manifest_digest", late)
    assert reader.census()["articles"] == 1
    monkeypatch.setattr(store.Store, "_manifest_digest", late)
    assert reader.encoder.name == "bag"


def test_a_reader_without_room_for_open_files_is_told(archive: Archive, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, and the archive is not called damaged."""
    archive.add([folder({"ferry.txt": FERRY})])

    def full(place: Path, listed: segment.Segment) -> segment.OpenSegment:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(generation, "open_segment", full)
    with pytest.raises(ArchiveError, match="cannot be read or written now"):
        Archive(archive.path, BagEncoder()).search("ferry")
