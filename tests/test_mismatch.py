"""An archive that something else made is refused by name, with the command that mends it; one whose manifest is damaged is not refused."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Run
from fakes import BagEncoder

from index import Archive, fingerprint
from index import archive as archive_module
from index.errors import ArchiveError, CorruptError, ModelError
from index.fingerprint import VERSIONS

Folder = Callable[[dict[str, str]], Path]


@pytest.fixture
def home(folder: Folder) -> Path:
    return folder({"ferry.txt": "The ferry sank off Selwyn. Nine people died."})


@pytest.fixture
def made(archive: Archive, home: Path) -> Path:
    """An archive of one article."""
    archive.add([home])
    return archive.path


class Retrained(BagEncoder):
    """The same name, other weights."""

    def __init__(self) -> None:
        super().__init__()
        self.digest = "0" * 64


def versions(place: int, by: int) -> list[int]:
    """What made an archive whose part number `place` was of another version."""
    return [version + by * (number == place) for number, version in enumerate(VERSIONS)]


# What made the archive, or opens it -> what the refusal has to say: both sides, and what to do.
OTHERS: dict[str, tuple[object, str]] = {
    "another model": (BagEncoder("other"), r"made with model bag \(\w{8}\), not other \(\w{8}\): leave --model .* out, or .*--archive"),
    "another dimension": (BagEncoder("small", dimension=32), r"made with model bag .*, not small .*--archive"),
    "other weights of the same name": (Retrained(), r"made with model bag \(\w{8}\), not bag \(00000000\).*--archive"),
    "other readers": (versions(1, -1), rf"readers {VERSIONS[1] - 1}, now {VERSIONS[1]}\): delete it and add its articles again"),
    "another splitter": (versions(2, -1), rf"splitter {VERSIONS[2] - 1}, now {VERSIONS[2]}\): delete it"),
    "another size of passages": (versions(3, 1), rf"passage size {VERSIONS[3] + 1}, now {VERSIONS[3]}\): delete it"),
    "other tokens": (versions(4, -1), rf"tokens {VERSIONS[4] - 1}, now {VERSIONS[4]}\): delete it"),
    "a newer program": (versions(4, 1), rf"tokens {VERSIONS[4] + 1}, now {VERSIONS[4]}\): delete it"),
    "older tables": (-1, rf"format {VERSIONS[0] - 1}, this program reads {VERSIONS[0]}: delete it and add its articles again"),
    "newer tables": (1, rf"format {VERSIONS[0] + 1}, this program reads {VERSIONS[0]}: delete it and add its articles again"),
}


def opened(path: Path, home: Path, other: object, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The archive with something about it that does not fit."""
    if isinstance(other, list):
        with monkeypatch.context() as patched:
            patched.setattr(fingerprint, "VERSIONS", other)
            Archive(path.with_name("other"), BagEncoder()).add([home])
        return Archive(path.with_name("other"), BagEncoder())
    if isinstance(other, int):
        with sqlite3.connect(path / "store.db") as store:
            store.execute("UPDATE meta SET value = value + ? WHERE name = 'format'", [other])
        store.close()
        return Archive(path, BagEncoder())
    assert isinstance(other, BagEncoder)
    return Archive(path, other)


def refusals(archive: Archive, home: Path) -> Iterator[str]:
    """What a search, an add, an update and a removal say."""
    for deed in (lambda: archive.search("ferry"), lambda: archive.add([home]), archive.update, lambda: archive.remove([home])):
        with pytest.raises(ArchiveError) as caught:
            deed()
        yield str(caught.value)


@pytest.mark.parametrize("name", OTHERS)
def test_what_does_not_fit_is_refused(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """By every command that would use it; nothing of it changes."""
    other, message = OTHERS[name]
    archive = opened(made, home, other, monkeypatch)
    before = {file: file.read_bytes() for file in archive.path.rglob("seg/*/*")}
    (home / "dam.txt").write_text("The dam cracked.")
    for said in refusals(archive, home):
        assert re.search(message, said), said
    assert {file: file.read_bytes() for file in archive.path.rglob("seg/*/*")} == before


def test_a_mismatch_can_go_unseen(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without the comparison every command goes on."""
    monkeypatch.setattr(fingerprint, "check", lambda *_: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        list(refusals(opened(made, home, BagEncoder("other"), monkeypatch), home))
    monkeypatch.setattr(fingerprint, "check_versions", lambda *_: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        list(refusals(opened(made, home, versions(2, -1), monkeypatch), home))


@pytest.mark.parametrize(
    "damage",
    [
        "replace(value, 'weights\": \"', 'weights\": \"0')",
        "replace(value, '\"bag\"', '\"bog\"')",
        "replace(value, 'weights', 'veights')",
        "replace(value, '[', '[9')",
        "substr(value, 2)",
        "'null'",
    ],
)
def test_a_damaged_fingerprint_is_damage_and_no_mismatch(made: Path, damage: str) -> None:
    """The check names it, and the repair writes it again; it used to send the user round in a circle."""
    with sqlite3.connect(made / "store.db") as store:
        store.execute(f"UPDATE meta SET value = {damage} WHERE name = 'fingerprint'")
    store.close()
    with pytest.raises(CorruptError, match="check --repair"):
        Archive(made, BagEncoder()).search("ferry")
    with pytest.raises(CorruptError, match="check --repair"):
        Archive(made, BagEncoder()).add([made.with_name("articles")])
    assert any("manifest" in problem for problem in Archive(made, BagEncoder()).check().problems)
    assert Archive(made, BagEncoder()).repair().whole
    archive = Archive(made, BagEncoder())
    assert len(archive.search("ferry")) == 1
    assert archive.status()["model"] == "bag"


def test_a_damaged_fingerprint_is_mended_with_the_model_that_it_names(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is asked for, as on the command line; with the default one where that cannot be found."""
    found = {"bag": BagEncoder(), archive_module.DEFAULT_MODEL: BagEncoder(archive_module.DEFAULT_MODEL)}

    def named(name: str) -> BagEncoder:
        return found.get(name) or Lost()

    class Lost(BagEncoder):
        @property
        def digest(self) -> str:  # type: ignore[override]
            raise ModelError("no such model")

        @digest.setter
        def digest(self, value: str) -> None:
            pass

    monkeypatch.setattr(archive_module, "SentenceEncoder", named)
    for damage, model in (
        ("replace(value, 'ts\": \"', 'ts\": \"0')", "bag"),
        ("replace(value, '\"bag\"', '\"bog\"')", archive_module.DEFAULT_MODEL),
    ):
        with sqlite3.connect(made / "store.db") as store:
            store.execute(f"UPDATE meta SET value = {damage} WHERE name = 'fingerprint'")
        store.close()
        assert Archive(made).repair().whole
        assert Archive(made).status()["model"] == model
        assert len(Archive(made).search("ferry")) == 1


def test_a_path_that_is_not_utf_8_is_refused_in_one_line(run: Run, home: Path) -> None:
    """A file and a folder that are given; nothing else changes. An archive may lie at such a path."""
    odd = os.fsdecode(b"od\xffd")
    (home / odd).mkdir()
    (home / odd / "a.txt").write_text("It sank.")
    for command in ("add", "remove"):
        if command == "remove":
            assert run("add", str(home / "ferry.txt"))[0] == 0
        for path in (home / odd, home / odd / "a.txt"):
            code, out, err = run(command, str(path))
            assert (code, out, err.count("\n")) == (2, "", 1), err
            assert err.startswith("clippings: ")
            assert "od\\x" in err or "od\\ud" in err
    assert run("status", "--json")[0] == 0
    assert run("add", str(home / "ferry.txt"), "--archive", odd)[0] == 0
    assert len(json.loads(run("search", "ferry", "--json", "--archive", odd)[1])) == 1
