"""A result -> the one screen. Figures as text; pages.py has them as a page, files.py for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

import numpy as np

from eval import measure
from eval.measure import EVIDENCE_MEASURES, MEASURES, QUOTE_F1
from eval.result import Result, means
from eval.significance import SEED, Interval

_WIDTH = 100
_WIDTH_OF_HEADLINE = 25
_SIGNIFICANT = 0.05


def screen(result: Result) -> str:
    """The result on one screen."""
    return "\n".join(
        [
            *_head(result),
            *_table(result),
            *_evidence(result),
            *_answers(result),
            *_dialogue(result),
            *_stories(result),
            *_kinds(result),
            *_worst(result),
        ]
    )


def _head(result: Result) -> Iterator[str]:
    status = result.status
    answerable, others = len(result.dataset.answerable), len(result.dataset.questions) - len(result.dataset.answerable)
    yield (
        f"archive {result.dataset.name} {status['digest'][:6]} · {status['articles']:,} articles · {status['passages']:,} passages · "
        f"model {status['model']} {status['weights'][:8]} · questions {result.dataset.digest[:6]}: {answerable:,} answerable"
        f"{f' + {others:,} not' if others else ''} · commit {result.commit} · seed {SEED}"
    )


def _table(result: Result) -> Iterator[str]:
    titles = {result.headline: f"{result.headline} [95% interval]"}
    yield _row("config", [titles.get(name, name) for name in MEASURES], "+/=/-", "p(adj)", "ms/q", result)
    for run in result.runs:
        cells = [short(result.mean(run.name, name)) for name in MEASURES]
        cells[list(MEASURES).index(result.headline)] += f" {_bounds(result.intervals[run.name])}"
        change, p = _compared(result, run.name)
        yield _row(run.name, cells, change, p, f"{run.milliseconds:.1f}", result)


def _row(first: str, cells: list[str], change: str, p: str, milliseconds: str, result: Result) -> str:
    aligned = [f"{cell:>{_WIDTH_OF_HEADLINE if name == result.headline else 9}}" for name, cell in zip(MEASURES, cells, strict=True)]
    return f"{first:<10}{''.join(aligned)}{change:>17}{p:>9}{milliseconds:>8}"


def _compared(result: Result, configuration: str) -> tuple[str, str]:
    if configuration not in result.differences:
        return "baseline", ""
    found, p = result.differences[configuration]
    return f"{found.better}/{found.same}/{found.worse}", f"{p_value(p)}{' *' if p < _SIGNIFICANT else '  '}"


def _bounds(interval: Interval) -> str:
    return "[all alike]" if interval.is_degenerate else f"[{short(interval.low)}, {short(interval.high)}]"


def _evidence(result: Result) -> Iterator[str]:
    """The passages that hold a gold sentence, where the data set names such sentences."""
    if not any(run.evidence for run in result.runs):
        return
    yield f"passages that hold a gold sentence, {len(result.baseline.evidence):,} questions"
    yield f"{'config':<10}" + "".join(f"{name:>9}" for name in EVIDENCE_MEASURES)
    for run in result.runs:
        yield f"{run.name:<10}" + "".join(f"{short(value):>9}" for value in means(measure.evidence_hits(run.evidence)).values())


def p_value(value: float) -> str:
    """A p-value as tables have it; none is 0."""
    return "<.001" if value < 0.001 else short(value)


def short(value: float) -> str:
    """.123, as tables of this field have it."""
    return f"{value:.3f}".replace("0.", ".", 1)


def with_interval(found: Interval) -> str:
    """A mean difference with its interval: "+.041 [+.010, +.072]"."""
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"


def signed(value: float) -> str:
    """A difference with its sign: +.012."""
    return f"{value:+.3f}".replace("0.", ".", 1)


def _answers(result: Result) -> Iterator[str]:
    found = result.abstention
    if found:
        area = f" · AUROC {short(found.auroc)}" if found.auroc is not None else ""
        yield (
            f"no answer  abstained {found.abstained}/{found.unanswerable} ({found.unanswerable - found.abstained} false answers)"
            f" · answered {found.answered}/{found.answerable} ({found.answerable - found.answered} false abstentions){area}"
        )
        f1 = short(result.mean(result.main.name, QUOTE_F1))
        yield f"headline   holds the evidence in {found.headline_hits}/{found.answerable} · {QUOTE_F1} {f1} ({result.main.name})"
        seconds = [answer.searched.seconds.get("answer", 0.0) for answer in result.main.answers.values()]
        half, most = (1000 * value for value in np.quantile(seconds, [0.5, 0.95]))
        yield f"time       {half:.0f} ms an answer beyond the search, p95 {most:.0f}"


def _dialogue(result: Result) -> Iterator[str]:
    """What reading the questions changes: follow-ups, questions after another topic, filters."""
    if result.dialogue is None:
        return
    for number, (name, asked) in enumerate(result.dialogue.pairs.items()):
        found, before, after = asked.difference.interval, mean(asked.typed.values()), mean(asked.read.values())
        headlines = "" if asked.headlines is None else f", {asked.headlines} headlines right"
        yield (
            f"{'' if number else 'as read':<11}hit@5 {short(before)} -> {short(after)}, {with_interval(found)}: "
            f"{len(asked.typed)} questions, {name} ({asked.carried} carry{headlines})"
        )
    chips = result.dialogue.chips
    yield (
        f"filters    {chips.right}/{chips.read} chips right · {chips.right}/{chips.labelled} found"
        f" ({chips.messages} labelled messages, {chips.without} of them without)"
    )


def _stories(result: Result) -> Iterator[str]:
    found = result.stories
    if found:
        yield (
            f"stories    {found.collapsed} copies collapse · {found.apart} others kept apart"
            f" · sources differ: {found.told} told · {found.silent} without a difference left alone"
        )


def _kinds(result: Result) -> Iterator[str]:
    kinds = result.by_kind()
    if kinds:
        yield ("by kind    " + " · ".join(f"{kind} {short(value)}" for kind, value in kinds.items()) + f" ({result.main.name})")


def _worst(result: Result) -> Iterator[str]:
    texts = {question.id: question.text for question in result.dataset.questions}
    for number, (question, note) in enumerate(result.notes.items()):
        yield f"{'' if number else 'worst':<11}{question} {note}: {_clipped(texts[question])}"


def _clipped(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
