"""For programs: `ask` and `search` as named endpoints of the page's own server, and as tools of the Model Context Protocol.

JSON out, and what is wrong with a call is one line. Where the archive's files lie on the server's disk is nobody's business: instead of
an article's "path", a program gets "file", its name without the folder; and gradio's client takes what has a "path" for a file to fetch.
It is given gradio, which app.py alone imports.
"""

# No postponed annotations here: gradio reads the endpoints' own, and makes their schema of them.
import importlib.util
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.responses import JSONResponse

from index import Archive, Filters, filtering, terminal
from index.articles import without_folder
from index.clean import how_many
from index.errors import ClippingsError, QuestionError, UsageError
from qa.recent import ask as answer

# Pages and programs wait in one queue for their answers, of which two are made at a time: by itself, gradio has one for each event.
ANSWERING: dict[str, Any] = {"concurrency_id": "answering"}
MOST = 100

Found = TypeVar("Found")


def draw(gr: Any, archive: Archive) -> None:
    """The endpoints over an archive, in the Blocks that are open."""

    def ask(question: str, outlets: list[str] | None = None, since: str | None = None, until: str | None = None) -> dict[str, Any]:
        """Answer a question with sentences of the archive, quoted word for word and cited; or say that the archive does not answer it.

        The sentences are under "quotes", the best first, the others by speaker and date where it is asked who said something; "text" is the
        quote, "start" and "end" are its characters in the article. Where "outcome" is "abstained" there are none, "reason" says why, and
        "nearest" are sentences that do not answer.

        Args:
            question: The question, in plain English. Dates and outlets that it names limit the articles, unless they are given below.
            outlets: Only articles of these outlets, by name, in any case.
            since: Only articles of this day or later: a day (2014-06-27), a month (2014-06) or a year (2014).
            until: Only articles of this day or earlier, in the same forms.
        """
        return _told(gr, lambda: asked(archive, question, _limits(outlets, since, until)))

    def search(
        query: str, k: int = 10, outlets: list[str] | None = None, since: str | None = None, until: str | None = None
    ) -> list[dict[str, Any]]:
        """Find the passages of the archive that match words or a question, the best first, whether or not they answer it.

        "text" is the passage, word for word, "start" and "end" its characters in the article, "bm25" and "dense" its ranks by words and by
        meaning.

        Args:
            query: Words or a question, in plain English.
            k: How many passages, 1 to 100.
            outlets: Only articles of these outlets, by name, in any case.
            since: Only articles of this day or later: a day (2014-06-27), a month (2014-06) or a year (2014).
            until: Only articles of this day or earlier, in the same forms.
        """
        return _told(gr, lambda: found(archive, query, k, _limits(outlets, since, until)))

    gr.api(ask, api_name="ask", **ANSWERING)
    gr.api(search, api_name="search", **ANSWERING)


def busy(_: Any, refusal: Any) -> JSONResponse:
    """What who asks is told while the queue is full; gradio says how long it is."""
    full = str(refusal.detail).startswith("Queue is full")
    reason = "Too many questions are waiting: try again in a minute." if full else "The chat is ending."
    return JSONResponse({"detail": reason}, refusal.status_code, headers={"retry-after": "60"})


# By status, for the application; those of exceptions may stand beside them.
HANDLERS: dict[Any, Any] = {503: busy}


def name_what_is_missing(gr: Any, blocks: Any) -> None:
    """Make a call with too few values fail with a line; by itself gradio answers it with nothing, and prints a traceback."""

    def checked(called: Any, given: list[Any]) -> None:
        if len(given) < len(called.inputs):
            reason = f"{called.name}: {how_many(len(called.inputs), 'value')} wanted, {len(given)} given"
            raise gr.Error(reason, print_exception=False, title="Clippings")

    blocks.validate_inputs = checked


def check_tools() -> None:
    """A UsageError where what serves tools is not installed."""
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("--mcp needs the extra 'mcp', which is not installed: pip install 'clippings[mcp]'")


def answer_in_json(server: Any) -> None:
    """Make the tools of gradio's MCP server answer in JSON; by itself it writes Python's own notation."""
    text = server.types.TextContent
    server.postprocess_output_data = lambda data, _: [text(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data]


def _told(gr: Any, call: Callable[[], Found]) -> Found:
    """What a call gives; what is wrong with it as gradio's own error, one line."""
    try:
        return call()
    except (QuestionError, UsageError) as error:
        reason = re.sub(r"--(?=outlet|since|until)", "", str(error))  # a command's options are a program's arguments
    except ClippingsError as error:
        terminal.talk(f"clippings: {error}")
        reason = "the archive cannot be read now; whoever keeps it is told why"
    raise gr.Error(reason, print_exception=False, title="Clippings")


def _limits(outlets: object, since: object, until: object) -> Filters:
    """The filters that a program gave; a UsageError where they are of another type."""
    names = [] if outlets is None else outlets
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError("outlets: give a list of names")
    return filtering.filters(names, *(None if day is None else _text(name, day) for name, day in (("since", since), ("until", until))))


def _text(name: str, value: object) -> str:
    """A text that a program gave; a UsageError where it is something else."""
    if not isinstance(value, str):
        raise UsageError(f"{name}: give a text")
    return value


def asked(archive: Archive, question: object, limits: Filters) -> dict[str, Any]:
    """The answer to a question, as `clippings ask --format json` has it, but for the paths."""
    result = answer(_text("question", question), archive, limits).as_dict()
    return result | {name: [_cited(quote) for quote in result[name]] for name in ("quotes", "nearest")}


def _cited(quote: dict[str, Any]) -> dict[str, Any]:
    return _without_folder(quote) | {"also": [_without_folder(copy) for copy in quote["also"]]}


def _without_folder(cited: dict[str, Any]) -> dict[str, Any]:
    """What cites an article, with "file" in the place of "path"."""
    path = cited["path"]
    return {"file" if name == "path" else name: without_folder(path) if name == "path" else value for name, value in cited.items()}


def found(archive: Archive, query: object, k: object, limits: Filters) -> list[dict[str, Any]]:
    """The first `k` hits, as `clippings search --json` has them, but for the paths."""
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MOST:
        raise UsageError(f"k: give a number from 1 to {MOST}")
    with archive.snapshot():  # hits and their articles of one commit
        archive.reach(limits)  # an outlet that is none of the archive's is named
        return [_without_folder(archive.as_dict(hit)) for hit in archive.search(_text("query", query), k, limits)]
