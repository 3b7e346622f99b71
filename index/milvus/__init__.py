"""The engine of an archive in Milvus: a server or a cluster, for more passages, writers and readers than one machine has room for.

    PREFIX_articles   a row an article: text, digest, BM25 over title and text
    PREFIX_passages   a row a passage: its span, its vector, BM25 over heading and text
    PREFIX_notes      what made the archive, the places it was given, what could not be taken, the names of the outlets

Dense and BM25 search run in Milvus, BM25 over our own tokens, which it only parts at the blanks; index/archive.py fuses them.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from index import fingerprint
from index.encoder import Encoder
from index.errors import ArchiveError
from index.milvus.catalogue import MilvusCatalogue
from index.milvus.client import Client
from index.milvus.snapshot import MilvusSnapshot
from index.milvus.writer import MilvusWriter, note


class MilvusEngine:
    """An `Engine` over the collections that an address names. Reading sees what is there now: Milvus keeps no earlier state."""

    def __init__(self, address: str) -> None:
        self.path = address
        self._client = Client(address)
        self._guard = threading.RLock()
        self._current: MilvusSnapshot | None = None
        self._filled = False

    @property
    def exists(self) -> bool:
        """Whether there is an archive: what made it is noted last."""
        return self._client.exists and bool(MilvusCatalogue(self._client).fingerprint())

    @cached_property
    def _ready(self) -> Client:
        if not self.exists:
            raise ArchiveError(f"no archive at {self.path}: make one with 'clippings add FOLDER', or name another with --archive")
        self._client.load()
        return self._client

    @cached_property
    def _searchable(self) -> Client:
        fingerprint.check_versions(self.path, MilvusCatalogue(self._ready).fingerprint())
        return self._ready

    @contextmanager
    def reading(self) -> Iterator[MilvusCatalogue]:
        """The catalogue; inside a snapshot, articles are those that it found."""
        with self._guard:
            yield self._current.catalogue if self._current else MilvusCatalogue(self._ready)

    @contextmanager
    def snapshot(self) -> Iterator[MilvusSnapshot | None]:
        """For search. What is found and the articles that are read inside are of one version, or it is said that they are not. None
        where there has been no passage: Milvus may have no BM25 over nothing."""
        with self._guard:
            if self._current:
                yield self._current
                return
            self._filled = self._filled or self._searchable.count("passages") > 0
            if not self._filled:
                yield None
                return
            self._current = MilvusSnapshot(MilvusCatalogue(self._searchable))
            try:
                yield self._current
            finally:
                self._current = None

    @contextmanager
    def writer(self, encoder: Encoder, repair: bool = False) -> Iterator[MilvusWriter]:
        """To write; what is missing of the collections is made. A repair believes of Milvus what any other writer does."""
        if not self.exists:
            self._client.create(encoder.dimension)
            self._client.upsert("notes", [note("changed", "", time.time()), note("fingerprint", "", fingerprint.of(encoder))])
        writer = MilvusWriter(self._ready)
        fingerprint.check(self.path, encoder, writer.fingerprint())
        yield writer

    def check(self) -> list[str]:
        """What is not what was written, in lines that name it."""
        with self.reading() as catalogue:
            return [f"{self.path}: {line}" for line in catalogue.flaws().values()]

    def named_model(self) -> str:
        """The name of the model."""
        with self.reading() as catalogue:
            return str(catalogue.fingerprint()["model"])

    def changed(self) -> float:
        """When something was last written, in seconds since 1970."""
        with self.reading() as catalogue:
            return catalogue.changed()

    def size(self) -> None:
        """Milvus does not say."""

    @property
    def folder(self) -> Path:
        """Where this machine keeps what its readers say of answers."""
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
        home = data / "clippings" / re.sub(r"\W+", "_", self.path.partition("://")[2])
        home.mkdir(parents=True, exist_ok=True)
        return home
