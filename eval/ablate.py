"""python -m eval.ablate [DIR...]: each choice changed by itself, against the product as it is, over the sample set or BEIR folders.

A variant is one patch of the product's own code, so that the product needs no option for it. Where a variant changes what is
indexed, an archive is made for it, below ./runs, and taken away again; texts met before are not embedded again. Differences are
paired over the questions, with 95 % intervals, and p-values corrected for all variants of a dataset.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from eval import ENCODINGS, dataset, measure, run
from eval.archives import prepare
from eval.beir import beir
from eval.dataset import SAMPLE_ARTICLES, Dataset
from eval.encodings import Kept
from eval.report import short, with_interval
from eval.result import commit
from eval.run import MAIN
from eval.significance import Difference, difference, holm
from index import Archive, bm25, chunk, encoder, generation, terminal
from index.archive import LEGS
from index.encoder import Encoder, SentenceEncoder
from index.errors import UsageError
from index.fusion import Fusion, reciprocal_rank, weighted_sum
from index.progress import progress_bar
from index.records import Filters, Hit
from index.terminal import Command

_BASELINE = "as it is"
_SHOWN = ("bm25", "dense", MAIN)
FOLDER = Path("runs/ablations")
# Function words and question words; bm25.STOP_WORDS is Lucene's shorter list.
_LONG_LIST = bm25.STOP_WORDS | frozenset(
    "about can could did do does from had has have he her his how i its may our she should than them us we were what when where "
    "which who whom whose why would you your".split()
)
# Two passages that share this much of their words (Jaccard) are one.
_NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Variant:
    """One choice made otherwise: patches, whether they change what is indexed, and whether all is embedded anew."""

    name: str
    patches: tuple[AbstractContextManager[Any], ...] = ()
    reindex: bool = False
    embed: bool = False


def _constant(module: object, name: str, value: object, label: str, reindex: bool = False) -> Variant:
    return Variant(label, (patch.object(module, name, value),), reindex)


def _okapi(k1: float, b: float) -> Variant:
    return _constant(generation, "BM25", partial(bm25.BM25, k1=k1, b=b), f"k1 {k1}, b {b}")


def _fusion(fuse: Fusion, label: str) -> Variant:
    return Variant(label, (patch.dict(run.CONFIGURATIONS, {MAIN: (LEGS, fuse)}),))


def variants() -> list[Variant]:
    """The product as it is, and every choice that eval/README.md reports."""
    return [
        Variant(_BASELINE),
        *(_constant(chunk, "SIZE", size, f"passages of {size} word pieces", reindex=True) for size in (96, 128, 192)),
        *(_constant(chunk, "passages", partial(chunk.passages, overlap=n), f"overlap of {n} sentences", reindex=True) for n in (0, 2)),
        _constant(chunk, "heading", lambda title, count, limit: "", "no title in passages", reindex=True),
        _constant(bm25, "stem", str.casefold, "no stemming", reindex=True),
        _constant(bm25, "STOP_WORDS", frozenset[str](), "no stop words", reindex=True),
        _constant(bm25, "STOP_WORDS", _LONG_LIST, f"{len(_LONG_LIST)} stop words", reindex=True),
        *(_okapi(k1, b) for k1, b in ((0.9, 0.4), (1.2, 0.75), (2.0, 0.75), (1.5, 0.5), (1.5, 0.9))),
        *(_constant(generation, "WHOLE_WEIGHT", share, f"whole article's share {share}") for share in (0.0, 0.25, 1.0)),
        _fusion(reciprocal_rank, "reciprocal rank fusion"),
        *(_fusion(partial(weighted_sum, dense_weight=share), f"dense share {share}") for share in (0.2, 0.3, 0.5, 0.6)),
        Variant("passages embedded in float32", (patch.object(encoder, "_has_bfloat16", lambda _: False),), reindex=True, embed=True),
        _constant(run, "Configured", Collapsed, "near-duplicates collapsed"),
    ]


class Collapsed(run.Configured):
    """Leaves out a passage that is nearly one that stands above it."""

    def search(
        self, query: str, k: int = 10, filters: Filters | None = None, legs: Collection[str] = LEGS, fuse: Fusion = weighted_sum
    ) -> list[Hit]:
        """As `Archive.search`, without those."""
        kept: list[tuple[Hit, set[str]]] = []
        for hit in super().search(query, 3 * k, filters):
            words = set(bm25.tokens(self.text(hit.passage)))
            if all(len(words & other) < _NEAR * len(words | other) for _, other in kept):
                kept.append((hit, words))
        return [hit for hit, _ in kept[:k]]


Scores = dict[tuple[str, str], dict[str, float]]


def measured(variant: Variant, folder: Path | None, archive: Archive, kept: Encoder) -> Scores:
    """(measure, configuration) -> question -> score, of one variant over the sample set or a BEIR folder."""
    with ExitStack() as stack:
        for one in variant.patches:
            stack.enter_context(one)
        if variant.reindex:
            source = folder / "corpus.jsonl" if folder else SAMPLE_ARTICLES
            searched = stack.enter_context(_made(source, SentenceEncoder() if variant.embed else kept))
        else:
            searched = Archive(archive.path, archive.encoder)  # one that has no segment open yet, so that a patch reaches it
        return dict(_scores(beir(folder) if folder else dataset.sample(searched), searched))


@contextmanager
def _made(source: Path, encoder: Encoder) -> Iterator[Archive]:
    """An archive for a while."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=FOLDER) as home:
        archive = Archive(Path(home) / "archive", encoder)
        archive.add([source])
        yield archive


def _scores(questions: Dataset, archive: Archive) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    judged = run.qrels(questions, archive)
    name = "nDCG@10" if questions.by_document else "MRR@10"
    for configuration in _SHOWN:
        found = run.search(questions, archive, configuration)
        rows = measure.per_question(judged, found.ranked)
        yield (name, configuration), {question: row[name] for question, row in rows.items()}
        if found.evidence:
            hits = measure.evidence_hits(found.evidence)
            yield ("Hits@4", configuration), {question: row["Hits@4"] for question, row in hits.items()}


def table(found: dict[str, Scores]) -> str:
    """variant -> scores, the first as the baseline, as Markdown: means of each configuration, and the product's difference."""
    baseline = next(iter(found.values()))
    parts = []
    for name in dict.fromkeys(name for name, _ in baseline):
        changes = {variant: difference(scores[name, MAIN], baseline[name, MAIN]) for variant, scores in found.items()}
        adjusted = holm([one.p for one in list(changes.values())[1:]])
        heads = f"| {name} | {' | '.join(_SHOWN)} | {MAIN}, change | +/=/- | p(adj) |\n|---|{'---|' * (len(_SHOWN) + 3)}"
        rows = [
            f"| {variant} | {' | '.join(short(_mean(found[variant][name, one])) for one in _SHOWN)} | {_change(change)} | {short(p)} |"
            for (variant, change), p in zip(changes.items(), [1.0, *adjusted], strict=True)
        ]
        parts.append("\n".join([heads, *rows]))
    return "\n\n".join(parts)


def _change(one: Difference) -> str:
    found = one.interval
    return f"{with_interval(found)} | {one.better}/{one.same}/{one.worse}"


def _mean(scores: dict[str, float]) -> float:
    return sum(scores.values()) / len(scores)


def _run(arguments: argparse.Namespace) -> int:
    words = arguments.only or [""]
    chosen = [one for one in variants() if one.name == _BASELINE or any(word in one.name for word in words)]
    if len(chosen) == 1:
        raise UsageError(f"no variant has {' or '.join(words)} in its name: {'; '.join(one.name for one in variants())}")
    for folder in arguments.folders or [None]:
        archive = prepare(folder, None)
        kept = Kept(archive.encoder, ENCODINGS)
        found = {}
        with progress_bar() as bar:
            for done, variant in enumerate(chosen):
                bar(folder.name if folder else "sample", done, len(chosen))
                found[variant.name] = measured(variant, folder, archive, kept)
                kept.save()
        print(f"\n{folder.name if folder else 'sample'}, {commit()}\n\n{table(found)}", flush=True)
    return 0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="BEIR folders (default: the sample set)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only the variants that have one of these in their name")


COMMAND = Command("ablate", "Change each choice by itself, and measure.", _options, _run)

if __name__ == "__main__":
    sys.exit(terminal.main("python -m eval.ablate", __doc__, [COMMAND]))
