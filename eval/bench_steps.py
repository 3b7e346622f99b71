"""What `clippings bench` runs in processes of their own: `python -m eval.bench_steps STEP FOLDER` prints figures as JSON.

FOLDER has plan.json: what to add, the model, and the questions where they are given. It gets the archive and, with `dump`, what
eval/peers.py reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from eval import peers, synthetic
from eval.synthetic import StandIn
from index.archive import LEGS, Archive
from index.bm25 import tokens
from index.encoder import Encoder, Progress, SentenceEncoder, Vectors
from index.local import LocalSnapshot

Figures = dict[str, Any]


class Known:
    """An `Encoder` of questions whose vectors are known, so that no time is theirs."""

    def __init__(self, made_with: dict[str, Any], known: dict[str, Vectors]) -> None:
        self.name, self.digest, self._known = made_with["model"], made_with["weights"], known
        self.dimension, self.max_tokens = len(next(iter(known.values()))), 0

    def count(self, texts: list[str]) -> list[int]:
        """Nothing is added with it."""
        raise NotImplementedError

    def encode(self, texts: list[str], progress: Progress | None = None) -> Vectors:
        """float32[n, d], unit length."""
        return np.array([self._known[text] for text in texts])


def _plan(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "plan.json").read_text(encoding="utf-8")))


def _archive(folder: Path) -> Archive:
    model = _plan(folder)["model"]
    encoder: Encoder = StandIn() if model == StandIn.name else SentenceEncoder(model)
    return Archive(folder / "archive", encoder)


def build(folder: Path) -> Figures:
    """Add everything; add it again; add one article more, three times."""
    archive, source = _archive(folder), Path(_plan(folder)["source"])
    first = _seconds(lambda: archive.add([source]))
    memory = peers.memory()
    again = _seconds(lambda: archive.add([source]))
    passages, size = archive.census()["passages"], archive.status()["bytes"]
    files = [folder / f"one-{number}.txt" for number in range(3)]
    one = []
    for number, file in enumerate(files):
        file.write_text(synthetic.Writer(100 + number).article(), encoding="utf-8")
        one.append(_seconds(lambda: archive.add([file])))  # noqa: B023 - called at once
    archive.remove(files)
    return {
        "passages": passages,
        "build_s": first,
        "added_per_s": passages / first,
        "again_s": again,
        "one_more_s": float(np.median(one)),
        "disk_mb": size / 1e6,
        "build_memory_mb": memory,
    }


def dump(folder: Path) -> Figures:
    """Write what the peers get: passages and questions, each with tokens and vectors."""
    archive = _archive(folder)
    with archive.snapshot() as current:
        assert isinstance(current, LocalSnapshot)
        rows = np.flatnonzero(current.generation.alive)
        np.save(folder / "vectors.npy", current.generation.vectors(current.generation.ids[rows].tolist()))
        texts = [archive.text(passage) for passage in current.passages(rows.tolist())]  # in the order of the vectors
    asked = _plan(folder)["questions"] or list(synthetic.questions(texts))
    np.save(folder / "questions.npy", archive.encoder.encode(asked))
    for kind, lines in (("passages", texts), ("questions", asked)):
        with (folder / f"{kind}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text, "tokens": tokens(text)}) + "\n" for text in lines)
    return {}


def embed(folder: Path) -> Figures:
    """Passages embedded a second, and by plain sentence-transformers, turn by turn; the least cosine of a passage's two vectors."""
    own = SentenceEncoder(_plan(folder)["model"])
    plain = peers.plain_embedding(own.folder)
    texts = peers.Data(folder).texts[:800]
    turns = [texts[first : first + 200] for first in range(0, len(texts), 200)]
    own.encode(turns[0]), plain(turns[0])  # what is made with the first text is in nobody's time
    times: dict[str, float] = {"own": 0.0, "plain": 0.0}
    cosine = 1.0
    for turn in turns:
        vectors = {}
        for name, encode in (("own", own.encode), ("plain", plain)):
            start = perf_counter()
            vectors[name] = encode(turn)
            times[name] += perf_counter() - start
        cosine = min(cosine, float((vectors["own"] * vectors["plain"]).sum(axis=1).min()))
    return {"embedded_per_s": len(texts) / times["own"], "plain_per_s": len(texts) / times["plain"], "least_cosine": cosine}


def search(folder: Path) -> Figures:
    """Open; the first question; milliseconds of each leg, of the whole and of stop words alone; recall of the dense leg."""
    questions = peers.Data(folder).questions
    known = {one["text"]: vector for one, vector in questions}
    archive = Archive(folder / "archive", Known(Archive(folder / "archive").status(), known))
    figures = _asked(archive, list(known))
    with archive.snapshot() as current:
        assert isinstance(current, LocalSnapshot)
        parts = current.generation
        postings = [_seconds(lambda: parts.bm25.search(one["tokens"], peers.K)) for one, _ in questions]  # noqa: B023
        figures["postings_p50_ms"] = peers.milliseconds(postings)["p50_ms"]
        vectors = [_seconds(lambda: parts.search_meaning(vector, peers.K, None)) for _, vector in questions]  # noqa: B023
        figures["vectors_p50_ms"] = peers.milliseconds(vectors)["p50_ms"]
        figures["memory_mb"] = peers.memory()
        figures["recall@10"] = _recall(np.load(folder / "vectors.npy", mmap_mode="r"), parts, [vector for _, vector in questions])
    return figures


def fill(folder: Path, address: str) -> Figures:
    """Add the same articles on a server."""
    archive = Archive(address, _archive(folder).encoder)
    first = _seconds(lambda: archive.add([Path(_plan(folder)["source"])]))
    return {"build_s": first, "added_per_s": archive.census()["passages"] / first}


def served(folder: Path, address: str) -> Figures:
    """As `search`, of a process that asks the server; then take the articles away again."""
    known = {one["text"]: vector for one, vector in peers.Data(folder).questions}
    archive = Archive(address, Known(Archive(address).status(), known))
    figures = _asked(archive, list(known)) | {"memory_mb": peers.memory()}
    archive.remove([Path(_plan(folder)["source"])])
    return figures


def _asked(archive: Archive, texts: list[str]) -> Figures:
    """Open; the first question; milliseconds of each leg, of the whole and of stop words alone."""
    opened = _seconds(lambda: _open(archive))
    first = _seconds(lambda: archive.search(texts[0]))
    figures = {"open_s": opened, "first_ms": first * 1e3}
    for name, legs in (("bm25", LEGS[:1]), ("dense", LEGS[1:]), ("hybrid", LEGS)):
        found = peers.milliseconds([_search(archive, text, legs) for text in texts])
        figures |= {f"{name}_p50_ms": found["p50_ms"], f"{name}_p95_ms": found["p95_ms"]}
    return figures | {"stop_words_ms": _search(archive, "the of and to in", LEGS[:1]) * 1e3}


def _open(archive: Archive) -> None:
    with archive.snapshot():
        pass


def _search(archive: Archive, text: str, legs: Collection[str]) -> float:
    return _seconds(lambda: archive.search(text, peers.K, legs=legs))


def _recall(vectors: Any, current: Any, asked: list[Vectors]) -> float:
    """The share of the ten nearest passages to each question, all looked at, that the dense leg has among its first ten."""
    cosines = np.concatenate([vectors[first : first + 50_000] @ np.array(asked).T for first in range(0, len(vectors), 50_000)])
    nearest = np.argpartition(-cosines, peers.K, axis=0)[: peers.K].T
    living = current.ids[current.alive]
    found = [current.ids[current.search_meaning(vector, peers.K, None)[0]] for vector in asked]
    return float(np.mean([np.isin(living[true], rows).mean() for true, rows in zip(nearest, found, strict=True)]))


def _seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


if __name__ == "__main__":
    steps: tuple[Callable[..., Figures], ...] = (build, dump, search, embed, fill, served)
    step = next(one for one in steps if one.__name__ == sys.argv[1])
    sys.stdout.write(json.dumps(step(Path(sys.argv[2]), *sys.argv[3:])) + "\n")
