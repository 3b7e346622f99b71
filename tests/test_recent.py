"""Answers given lately are given again, as long as the archive is the same; and while one is read, the archive is free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index import Archive, Filters
from qa import assistant, recent

FERRY = "who confirmed nine deaths in the ferry"
Folder = Callable[[dict[str, str]], Path]


@pytest.fixture
def home(folder: Folder) -> Path:
    return folder({"ferry.txt": "The ferry sank off Selwyn. Harbour master Ida Kell confirmed nine deaths in the ferry. It rained."})


@pytest.fixture
def answered(archive: Archive, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the assistant was asked in earnest."""
    archive.add([home])
    asked: list[str] = []
    real = assistant.answering

    def answering(message: str, *rest: object, **more: object) -> object:
        asked.append(message)
        return real(message, *rest, **more)

    monkeypatch.setattr(assistant, "answering", answering)
    return asked


def test_the_same_question_is_answered_once(archive: Archive, answered: list[str]) -> None:
    """Word for word the same, with the same filters; and it is the assistant's answer."""
    assert recent.ask(FERRY, archive) is recent.ask(FERRY, archive)
    assert answered == [FERRY]
    headline, whole = recent.answering(FERRY, archive)
    assert (headline.quotes[0].quote, whole) == (whole.quotes[0].quote, recent.ask(FERRY, archive))
    assert recent.ask(FERRY, archive).as_dict() == assistant.ask(FERRY, archive).as_dict()
    recent.ask(FERRY, archive, Filters(until="2030-01-01"))
    recent.ask(f"{FERRY}?", archive)
    assert len(answered) == 4


def test_another_commit_is_another_answer(archive: Archive, answered: list[str], home: Path) -> None:
    """Nothing of the old one is kept: what is taken out is not quoted any more."""
    assert recent.ask(FERRY, archive).quotes
    archive.remove([home / "ferry.txt"])
    assert not recent.ask(FERRY, archive).quotes
    assert len(answered) == 2


def test_answers_from_large_articles_are_not_kept(archive: Archive, answered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of ten million characters would fill the memory."""
    monkeypatch.setattr(recent, "_SHORT", 10)
    recent.ask(FERRY, archive), recent.ask(FERRY, archive)
    assert len(answered) == 2


def test_what_is_kept_is_limited(archive: Archive, answered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_KEPT", 2)
    for number in range(5):
        recent.ask(f"{FERRY} {number}", archive)
    with archive.snapshot() as commit:
        assert commit
        assert len(recent._given[commit]) == 1


def test_the_archive_is_free_while_an_answer_is_read(archive: Archive, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading takes longest: pages and other questions do not wait for it."""
    archive.add([home])
    free: list[bool] = []

    class Reader:
        name = "slow"
        most = 1.0

        def takes(self, question: str) -> bool:
            return True

        def read(self, question: str, texts: list[object]) -> list[object]:
            other = threading.Thread(target=archive.census, daemon=True)
            other.start()
            other.join(timeout=10)
            free.append(not other.is_alive())
            return [np.zeros(len(text.sentences), dtype=np.float32) for text in texts]

    reader = Reader()
    monkeypatch.setattr("qa.assistant.named", lambda name: reader)
    assistant.ask(FERRY, archive)
    assert free
    assert all(free)
