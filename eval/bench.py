"""clippings bench: speed and memory as an archive grows, side by side in one run with what a user would pick instead.

Articles come from a generator (eval/synthetic.py) or a BEIR folder. Each system has a process of its own, so that its memory is its own,
and gets the same passages, vectors and questions; the embedding of a question is in nobody's time. Beyond 10,000 passages of the generator
the vectors are a stand-in's, and the table says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval import curves
from eval.files import claim
from eval.result import commit
from index import terminal
from index.encoder import DEFAULT_MODEL
from index.errors import ClippingsError

# Beyond this the model would need hours.
MODEL_UP_TO = 10_000
STAND_IN = "stand-in"
# Passages that the generator's articles make, each: the model's tokenizer takes its words to pieces.
_EACH = {DEFAULT_MODEL: 5.85, STAND_IN: 4.77}
STEPS = ("build", "dump", "search", "embed")
PEERS = ("rank_bm25", "bm25s", "faiss_flat")
# In an environment of their own. They keep everything in Python objects: beyond so many passages they need hours.
OTHERS = ("haystack", "llamaindex", "txtai")
_OTHERS_UP_TO = 130_000
_HOURS = 2

Figures = dict[str, Any]


def prepared(home: Path, size: int) -> Path:
    """A folder with generated articles of about `size` passages, and what the steps have to know."""
    from eval.synthetic import write_articles

    folder = home / str(size)
    model = DEFAULT_MODEL if size <= MODEL_UP_TO else STAND_IN
    write_articles(folder / "articles", round(size / _EACH[model]))
    return _planned(folder, folder / "articles", model, None)


def from_dataset(home: Path, dataset: Path) -> Path:
    """A folder for a BEIR folder's documents and questions."""
    from eval.beir import beir

    questions = [question.text for question in beir(dataset).questions][:200]
    (home / dataset.name).mkdir()
    return _planned(home / dataset.name, dataset / "corpus.jsonl", DEFAULT_MODEL, questions)


def _planned(folder: Path, source: Path, model: str, questions: list[str] | None) -> Path:
    plan = {"source": str(source.resolve()), "model": model, "questions": questions}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return folder


def run(folder: Path, others: Path | None, server: str | None = None) -> Figures:
    """Measure one archive and its peers; the figures of each by its name, this project's as "clippings", and as "server" on one."""
    found: Figures = {"model": json.loads((folder / "plan.json").read_text(encoding="utf-8"))["model"], "clippings": {}}
    for step in STEPS if found["model"] != STAND_IN else STEPS[:-1]:
        found["clippings"] |= _child([sys.executable, "-m", "eval.bench_steps", step, str(folder)], f"{folder.name}: {step}")
        if "failed" in found["clippings"]:
            raise ClippingsError(f"bench: {step}: {found['clippings']['failed']}")
    if server:
        found["server"] = {}
        for step in ("fill", "served"):
            command = [sys.executable, "-m", "eval.bench_steps", step, str(folder), f"{server}_{folder.name}"]
            found["server"] |= _child(command, f"{folder.name}: {step} at {server}")
    passages = found["clippings"]["passages"]
    scripts = [(Path(sys.executable), name) for name in PEERS]
    if others and passages <= _OTHERS_UP_TO:
        scripts += [(others, name) for name in OTHERS]
    for python, name in scripts:
        script = str(Path(__file__).with_name("peers.py"))
        found[name] = _child([str(python), script, name, str(folder)], f"{folder.name}: {name}")
    return found


def _child(command: list[str], what: str) -> Figures:
    """The figures that a process prints last; a reason where it has none."""
    terminal.talk(what)
    try:
        paths = os.pathsep.join(filter(None, [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"PYTHONPATH": paths}
        done = subprocess.run(  # noqa: S603 - commands of our own
            command, capture_output=True, text=True, timeout=_HOURS * 3600, check=True, env=environment
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {_HOURS} hours"}
    except subprocess.CalledProcessError as error:
        return {"failed": (error.stderr.strip().splitlines() or [f"ended by signal {-error.returncode}"])[-1]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(sizes: list[Figures]) -> str:
    """Everything as Markdown."""
    lines = ["| passages | vectors | system | ready in, s | a question, ms: p50 | p95 | memory, MB |", "|---:|---|---|---:|---:|---:|---:|"]
    for found in sizes:
        lines += [f"| {found['clippings']['passages']:,} | {found['model']} | {' | '.join(row)} |" for row in _systems(found)]
    own = [one["clippings"] for one in sizes]
    rows = [
        ("embedded, passages a second", "embedded_per_s", "{:,.0f}"),
        ("by plain sentence-transformers", "plain_per_s", "{:,.0f}"),
        ("least cosine of the two", "least_cosine", "{:.5f}"),
        ("added, passages a second", "added_per_s", "{:,.0f}"),
        ("an add that changes nothing, s", "again_s", "{:,.2f}"),
        ("one article more, s", "one_more_s", "{:,.2f}"),
        ("on disk, MB", "disk_mb", "{:,.0f}"),
        ("most memory while adding, MB", "build_memory_mb", "{:,.0f}"),
        ("open, s", "open_s", "{:,.3f}"),
        ("first question, ms", "first_ms", "{:,.0f}"),
        ("postings alone, ms", "postings_p50_ms", "{:,.2f}"),
        ("vectors alone, ms", "vectors_p50_ms", "{:,.2f}"),
        ("a question of stop words, ms", "stop_words_ms", "{:,.2f}"),
        ("recall@10 of the dense leg", "recall@10", "{:.3f}"),
    ]
    heads = [f"{one['passages']:,}" for one in own]
    lines += ["", f"| clippings, passages | {' | '.join(heads)} |", f"|---|{'---:|' * len(own)}"]
    lines += [f"| {name} | {' | '.join(form.format(one[key]) if key in one else '–' for one in own)} |" for name, key, form in rows]
    return "\n".join(lines)


def _systems(found: Figures) -> Iterator[list[str]]:
    """A row for each of our legs, and for each peer."""
    for label, own in (("clippings", found["clippings"]), ("on a server", found.get("server", {}))):
        for leg in ("bm25", "dense", "hybrid") if "open_s" in own else ():
            yield [
                f"{label}, {leg}",
                f"{own['open_s']:.2f}",
                f"{own[f'{leg}_p50_ms']:,.1f}",
                f"{own[f'{leg}_p95_ms']:,.1f}",
                f"{own['memory_mb']:,.0f}",
            ]
    for name in ("server", *PEERS, *OTHERS):
        one = found.get(name)
        if one and "failed" in one:
            yield [name, one["failed"], "–", "–", "–"]
        elif one and name != "server":
            yield [name, f"{one['build_s']:,.1f}", f"{one['p50_ms']:,.1f}", f"{one['p95_ms']:,.1f}", f"{one['memory_mb']:,.0f}"]


def pictures(sizes: list[Figures]) -> dict[str, str]:
    """File name -> SVG."""
    own = {"hybrid": "hybrid_p50_ms", "bm25": "bm25_p50_ms", "dense": "dense_p50_ms"}
    questions = {f"clippings, {name}": _line(sizes, "clippings", key) for name, key in own.items()}
    questions |= {f"on a server, {name}": _line(sizes, "server", key) for name, key in own.items()}
    memory = {"clippings": _line(sizes, "clippings", "memory_mb"), "on a server": _line(sizes, "server", "memory_mb")}
    for name in (*PEERS, *OTHERS):
        questions[name], memory[name] = _line(sizes, name, "p50_ms"), _line(sizes, name, "memory_mb")
    times = {"open": "open_s", "one article more": "one_more_s", "nothing new": "again_s", "all of it": "build_s"}
    return {
        "questions.svg": curves.picture("A question, by the size of the archive", "milliseconds, p50", _drawn(questions)),
        "memory.svg": curves.picture("Memory of a process that answers questions", "megabytes", _drawn(memory)),
        "times.svg": curves.picture(
            "Opening and adding", "seconds", _drawn({name: _line(sizes, "clippings", key) for name, key in times.items()})
        ),
        "disk.svg": curves.picture("On disk", "megabytes", _drawn({"clippings": _line(sizes, "clippings", "disk_mb")})),
    }


def _line(sizes: list[Figures], system: str, key: str) -> curves.Line:
    return [(one["clippings"]["passages"], one[system][key]) for one in sizes if key in one.get(system, {})]


def _drawn(lines: Mapping[str, curves.Line]) -> dict[str, curves.Line]:
    return {name: line for name, line in lines.items() if line}


def bench(sizes: Sequence[int], dataset: Path | None, others: Path | None, out: Path, server: str | None = None) -> str:
    """Measure archives of some sizes, or that of a BEIR folder; the table. `out` gets it as JSON, and the pictures.

    `others` is the Python of an environment that has the peers of `OTHERS`; None leaves those out. `server` is the address of an archive
    that is not there yet: each size is added beside it, as ADDRESS_SIZE, measured and emptied.
    """
    claim(out)
    home = out / "archives"
    home.mkdir()
    found = []
    try:
        for size in [0] if dataset else sizes:
            folder = from_dataset(home, dataset) if dataset else prepared(home, size)
            found.append(run(folder, others, server))
            shutil.rmtree(folder)
            (out / "bench.json").write_text(json.dumps({"commit": commit(), "sizes": found}, indent=2), encoding="utf-8")
    finally:
        shutil.rmtree(home)
    for name, svg in pictures(found).items():
        (out / name).write_text(svg, encoding="utf-8")
    return table(found)
