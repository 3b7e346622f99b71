"""The Evaluate page: run the evals and watch, then the figures as a table and plots, and each question with its answer beside the gold.

It draws and nothing else: eval/job.py runs, eval/history.py knows the runs that were kept. It is given gradio, which app.py alone
imports. Whatever comes of articles, questions and files is escaped by the templates of eval/pages.py.
"""

# No postponed annotations here: gradio reads the handlers' own, and must find its types in them.
import asyncio
import re
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

from eval import history, sets
from eval.files import changes
from eval.job import Job, Runs, State
from eval.pages import BIN_NAMES, Scale, part
from eval.significance import Interval
from index import Archive
from index.errors import ClippingsError, UsageError
from qa import page

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Seconds between two looks at a run.
_LOOK = 1.0
# The folders of a path, also of a quoted one; a space in them stands before no other path.
_FOLDERS = re.compile(r"(?<![\w.:/)~])[.]{0,2}/(?:(?:[^/:;'\"\n ]|(?<=\w)'(?=\w)| (?![.]{0,2}/))*/)*")
_STAGES = {"answers": "Asking as a reader would", "follow-ups": "Asking follow-ups", "as read": "Searching as read"}


def draw(gr: Any, archive: Archive) -> None:
    """The page over an archive, inside the Blocks that are open."""
    runs = Runs(archive)
    masthead = gr.HTML(page.masthead(archive), apply_default_css=False, elem_id="masthead")
    with gr.Column(elem_id="evaluate"):
        controls = _Controls(gr)
        shown = _Shown(gr)
    _wire(gr, archive, runs, masthead, controls, shown)


class _Controls:
    """What begins and stops a run, and says how far it is."""

    def __init__(self, gr: Any) -> None:
        style = files("eval").joinpath("evaluate.css").read_text(encoding="utf-8")
        self.about = gr.HTML(html_template=f"<style>{style}</style>${{value}}", apply_default_css=False)
        self.which = gr.Radio([], label="Questions", visible=False)
        with gr.Row():
            self.run = gr.Button("Run the evals", variant="primary", scale=0, min_width=160, elem_id="run-evals", interactive=False)
            self.stop = gr.Button("Stop", scale=0, min_width=100, elem_id="stop-evals", visible=False)
        self.progress = gr.HTML(apply_default_css=False, elem_id="progress")
        self.said = gr.HTML(html_template='<p role="status" class="sr-only">${value}</p>', apply_default_css=False)


class _Shown:
    """What a run found. Each part is hidden by itself until there is one: a plot that wakes inside something hidden has no width."""

    def __init__(self, gr: Any) -> None:
        hidden: dict[str, Any] = {"visible": False}
        with gr.Row():
            self.name = gr.Dropdown([], label="Run", elem_id="shown-run", **hidden)
            self.before = gr.Dropdown([], label="Compared with", elem_id="compared-run", **hidden)
        self.summary = gr.HTML(apply_default_css=False, elem_id="figures")
        self.compared = gr.HTML(apply_default_css=False, elem_id="compared")
        with gr.Row():
            plot: dict[str, Any] = {"y_lim": [0, None], "height": 240, "min_width": 300, **hidden}
            self.ranks = gr.BarPlot(x="rank", y="questions", title="Rank of the first right passage", sort=list(BIN_NAMES), **plot)
            self.kinds = gr.BarPlot(x="kind", y="score", x_label_angle=-25, **plot)
            self.time = gr.LinePlot(x="run", y="score", **plot)
        choices = [(words, name) for name, words in history.SHOWN.items()]
        self.filter = gr.Radio(choices, value="worst", label="Questions, the worst first", elem_id="shown-questions", **hidden)
        self.questions = gr.HTML(apply_default_css=False, elem_id="questions")

    @property
    def all(self) -> list[Any]:
        """What changes with the run that is looked at."""
        plots = [self.ranks, self.kinds, self.time]
        return [self.name, self.before, self.summary, self.compared, *plots, self.filter, self.questions]


def _wire(gr: Any, archive: Archive, runs: Runs, masthead: Any, controls: _Controls, shown: _Shown) -> None:
    """What happens when the page opens, a run begins or ends, and another one, or other questions, are looked at."""
    told = [controls.progress, controls.said, controls.run, controls.stop]

    def picture(name: str | None = None, before: str | None = None, which: str = "worst") -> list[Any]:
        return _picture(gr, archive, name, before, which) or [gr.skip()] * len(shown.all)

    def opened() -> list[Any]:
        head, pictured, offered, wrong = gr.skip(), [gr.skip()] * len(shown.all), {}, ""
        try:
            head = page.masthead(archive)
            pictured = picture()
            offered = _offered(archive)
        except ClippingsError as error:
            wrong = _failed(f"{plain(error)}.")
        choices = [({"own": "The archive's own", "sample": "The sample's"}[name], name) for name in offered]
        told, *rest = _told(gr, runs.job, bool(offered))
        which = gr.Radio(choices, value=next(iter(offered), None), visible=len(offered) > 1)
        about = "" if wrong else part("about", sets=offered)
        return [head, about, which, wrong or told, *rest, *pictured]

    async def measure(name: str | None) -> AsyncIterator[list[Any]]:
        try:
            if name not in sets.offered(archive):
                raise UsageError("there are no such questions: open this page again")
            job = await asyncio.to_thread(runs.start, name)
        except ClippingsError as error:
            yield [_failed(f"{plain(error)}."), *[gr.skip()] * 3]
            return
        async for told in _watch(gr, job):
            yield told

    async def follow() -> AsyncIterator[list[Any]]:
        yield [gr.skip()] * 4  # a generator that yields nothing would empty the buttons
        if runs.job and runs.job.running:
            async for told in _watch(gr, runs.job):
                yield told

    def newest(which: str) -> list[Any]:
        return picture(which=which)

    def chosen(name: str | None, before: str | None, which: str) -> list[Any]:
        return picture(name, before, which)

    opening = gr.on(None, opened, None, [masthead, controls.about, controls.which, *told, *shown.all], queue=False, **_PRIVATE)
    ways = (
        opening.then(follow, None, told, concurrency_limit=None, **_PRIVATE),
        controls.run.click(measure, controls.which, told, concurrency_limit=None, **_PRIVATE),  # one runs, others join it
    )
    for watched in ways:
        watched.then(newest, shown.filter, shown.all, queue=False, **_PRIVATE)
    controls.stop.click(runs.stop, None, None, queue=False, **_PRIVATE)
    looked_at = [shown.name, shown.before, shown.filter]
    gr.on([one.input for one in looked_at], chosen, looked_at, shown.all, queue=False, **_PRIVATE)


def _offered(archive: Archive) -> dict[str, tuple[int, int]]:
    """set -> how many answerable questions it has, and how many others."""
    return {name: sets.size(name, archive) for name in sets.offered(archive)}


async def _watch(gr: Any, job: Job) -> AsyncIterator[list[Any]]:
    """What to tell of a run, until it is over."""
    yield _told(gr, job, said="The run has begun.")
    while job.running:
        await asyncio.sleep(_LOOK)
        yield [_progress(job), *[gr.skip()] * 3]  # the less a look draws anew, the more there is for those who ask
    yield _told(gr, job, said=words(job.state))


def _told(gr: Any, job: Job | None, can_run: bool = True, said: str | None = None) -> list[Any]:
    running = job is not None and job.running
    buttons = [gr.update(interactive=can_run and not running), gr.update(visible=running)]
    return [_progress(job) if job else "", gr.skip() if said is None else said, *buttons]


def _progress(job: Job) -> str:
    return part("progress", state=job.state, words=words(job.state))


def _failed(text: str) -> str:
    return part("progress", state=State("failed"), words=text)


def words(state: State) -> str:
    """How far a run is, in a line."""
    if state.outcome == "failed":
        return f"Nothing was measured: {plain(state.error)}."
    if state.outcome != "running":
        return {"done": "The run is done.", "stopped": "The run was stopped; nothing of it is kept."}[state.outcome]
    if not state.total:
        return "Getting ready."
    left = f", {_time(state.left)} left" if state.left else ""
    return f"{_STAGES.get(state.stage, f'Searching by {state.stage}')}: {state.done:,} of {state.total:,} questions{left}."


def _time(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} minutes"


def plain(error: object) -> str:
    """An error without the folders that it names: they are the server's business."""
    return _FOLDERS.sub("", str(error)).rstrip(".")


def _picture(gr: Any, archive: Archive, name: str | None, before: str | None, which: str) -> list[Any]:
    """What a run found, the newest where none is named, beside an earlier one: for each of `_Shown.all`; nothing where there is none."""
    past = history.past(archive)
    if not past:
        return []
    name = name if name in past else next(iter(past))
    run, others = past[name], history.earlier(name, past)
    old = past[before] if before in others else None
    return [
        gr.Dropdown([(history.label(one, found), one) for one, found in past.items()], value=name, visible=True),
        gr.Dropdown(
            [("nothing", ""), *((history.label(one, past[one]), one) for one in others)],
            value=before if before in others else "",
            visible=bool(others),
        ),
        summary(run),
        part("compared", run=run, old=old, changes=changes(old, run)) if old else "",
        *_plots(gr, run, history.over_time(name, past)),
        gr.update(visible=True),
        part("questions", run=run, listed=history.listed(run, which)),
    ]


def summary(run: history.Found) -> str:
    """The figures of a run as HTML."""
    scale = Scale.over(Interval(**one["interval"]) for one in run["configurations"].values())
    return part("summary", run=run, scale=scale, ranks=history.ranks(run))


def _plots(gr: Any, run: history.Found, over_time: list[tuple[float, float]]) -> list[Any]:
    import pandas as pd

    ranks, kinds = history.ranks(run), run["by_kind"]
    times = pd.DataFrame([(pd.to_datetime(at, unit="s"), score) for at, score in over_time], columns=["run", "score"])
    return [
        gr.BarPlot(pd.DataFrame(ranks, columns=["rank", "questions"]), visible=True),
        gr.BarPlot(
            pd.DataFrame(list(kinds.items()), columns=["kind", "score"]),
            title=f"{run['headline']} by kind of question",
            sort=list(kinds),
            visible=bool(kinds),
        ),
        gr.LinePlot(times, title=f"{run['headline']} of the runs so far", visible=len(times) > 1),
    ]
