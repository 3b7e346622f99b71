"""The archives that are measured on, below ./runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eval import RUNS
from eval.beir import beir
from eval.dataset import SAMPLE_ARTICLES
from index import Archive, terminal
from index.fingerprint import VERSIONS
from index.progress import progress_bar


def prepare(dataset: Path | None, model: str | None) -> Archive:
    """The archive of the sample set or of a BEIR folder, brought up to date."""
    source = SAMPLE_ARTICLES
    if dataset:
        beir(dataset)  # a folder of another kind is refused before anything is embedded
        source = dataset / "corpus.jsonl"
    place = hashlib.sha256(f"{source.resolve()} {model} {VERSIONS}".encode()).hexdigest()[:6]
    archive = terminal.open_archive(RUNS / "archives" / f"{dataset.resolve().name if dataset else 'sample'}-{place}", model)
    with progress_bar() as bar:
        added = archive.add([source], bar)
    for error in added.rejected:
        terminal.talk(f"not taken: {error}")
    return archive
