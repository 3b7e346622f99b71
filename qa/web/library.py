"""The Library page: find, sort, filter and read articles, add files, take articles out and put them back.

It draws and nothing else: qa/web/shelf.py answers what the page asks, qa/web/kept.py takes the files. It is given gradio, which app.py
alone imports.
"""

# No postponed annotations here: gradio reads the handlers' own, and must find its types in them.
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from index import Archive
from index.articles.files import FORMATS
from index.errors import ClippingsError
from qa import page
from qa.web import kept, markup
from qa.web.background import Task
from qa.web.kept import REFUSED, Kept, Line, Sent, Session
from qa.web.shelf import Shelf

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_ORDERS = {"newest": "Newest first", "oldest": "Oldest first", "title": "Title", "outlet": "Outlet"}
_FINDER = """<form class="find" role="search" aria-label="Articles">
<input type="search" name="find" maxlength="500" placeholder="Find by title or outlet" aria-label="Find by title or outlet">
<div class="filters">
<label><span>Order</span><select name="order">ORDERS</select></label>
<label class="wide"><span>Outlet</span><select name="outlet"><option value="">All outlets</option></select></label>
<label><span>From</span><input type="date" name="since"></label>
<label><span>To</span><input type="date" name="until"></label>
</div></form>
<div class="tools"><label class="add button"><input type="file" multiple accept="FORMATS">Add files</label>
<span class="hint">or drop files and folders anywhere on this page</span>
<button type="button" class="about button">About the archive</button></div>
<p class="sending" role="status"></p>"""
_ADDING = '<div role="log" aria-live="polite" aria-label="Files added">${value}</div>'
_ARTICLES = """<p class="said" role="status"></p>
<ul class="removed" aria-label="Removed: each can be put back until you leave this page"></ul>
<p class="count" role="status"></p><div class="list"></div>"""
_READING = """<section class="panel" aria-label="Article">
<div class="bar top" hidden><button type="button" class="back">← The archive</button><span>
<button type="button" class="remove">Remove</button>
<button type="button" class="close" aria-label="Close">✕</button></span></div>
<div class="scroll" tabindex="0" role="region" aria-label="Article"><div class="sources"></div><div class="reader" hidden></div></div>
</section>"""


def draw(gr: Any, archive: Archive) -> None:
    """The page over an archive, inside the Blocks that are open."""
    files_ = Kept(archive, Path(gr.utils.get_upload_folder()))
    shelf = Shelf(archive, files_)
    files_.sweep(())

    masthead = gr.HTML(page.masthead(archive), apply_default_css=False, elem_id="masthead")
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=6, min_width=320, elem_id="left"):
            finder = _finder(gr, shelf)
            account = gr.HTML("", html_template=_ADDING, apply_default_css=False, elem_id="adding")
            gr.HTML("", html_template=_ARTICLES, apply_default_css=False, elem_id="articles")
        with gr.Column(scale=6, min_width=320, elem_id="right"):
            gr.HTML("", html_template=_READING, apply_default_css=False, elem_id="side")
    _wire(gr, archive, files_, shelf, finder, account, masthead)


def _finder(gr: Any, shelf: Shelf) -> Any:
    """What to look for, and the page's script, which asks the server for everything else."""
    orders = "".join(f'<option value="{order}">{name}</option>' for order, name in _ORDERS.items())
    home = files("qa.web")
    script = home.joinpath("library.js").read_text(encoding="utf-8")
    return gr.HTML(
        "",
        html_template=_FINDER.replace("ORDERS", orders).replace("FORMATS", ",".join([*FORMATS, ".gz"])),
        head=f"<style>{home.joinpath('library.css').read_text(encoding='utf-8')}</style>",
        js_on_load=script.replace("MOST_BYTES", str(kept.MAX_FILE)).replace("MOST_FILES", str(kept.MAX_FILES)),
        server_functions=_functions(shelf),
        elem_id="finder",
        apply_default_css=False,
    )


def _functions(shelf: Shelf) -> list[Callable[..., Any]]:
    """What the page may ask, as gradio wants it: functions of one value."""

    def listing(asked: Any) -> Any:
        return shelf.listing(asked)

    def article(asked: Any) -> Any:
        return shelf.article(asked)

    def state(asked: Any) -> Any:
        return shelf.state(asked)

    def check(asked: Any) -> Any:
        return shelf.check(asked)

    def remove(asked: Any) -> Any:
        return shelf.remove(asked)

    def put_back(asked: Any) -> Any:
        return shelf.put_back(asked)

    return [listing, article, state, check, remove, put_back]


def _wire(gr: Any, archive: Archive, files_: Kept, shelf: Shelf, finder: Any, account: Any, masthead: Any) -> None:
    """Files are added one drop after the other, beside everything else that goes on."""
    session = gr.State(Session())  # copied for each page

    def add(session: Session, event: gr.EventData) -> Iterator[str]:
        sent = _sent(getattr(event, "files", None))
        yield from _account(Task(lambda report: files_.add(sent, session, report)), sent, archive)
        files_.sweep(shelf.may_come_back())

    def count() -> Any:
        try:
            return page.masthead(archive)
        except ClippingsError:  # the list says what is wrong
            return gr.skip()

    adding = finder.upload(
        add, session, account, concurrency_limit=1, concurrency_id="adding", trigger_mode="multiple", show_progress="hidden", **_PRIVATE
    )
    counting: dict[str, Any] = {"queue": False, "show_progress": "hidden", **_PRIVATE}
    adding.then(count, None, masthead, js=_ADDED, **counting)
    gr.on(None, count, None, masthead, **counting)
    finder.select(count, None, masthead, **counting)  # something was taken out, or put back


_ADDED = "() => document.dispatchEvent(new Event('added'))"


def _account(task: Task[list[Line]], sent: Sequence[Sent], archive: Archive) -> Iterator[str]:
    """How far an add is, and then a line for each file."""
    yield markup.progress("", 0, 0)
    for stage in task.progress():
        yield markup.progress(*stage)
    try:
        found = task.result()
    except ClippingsError as error:
        found = [Line(one.name, REFUSED, page.plainly(error, archive)) for one in sent]
    yield markup.lines(found, _titles(found, archive))


def _sent(told: Any) -> list[Sent]:
    """What a page says that it sent: anything may stand there."""
    entries = [one for one in told[: kept.MAX_FILES] if isinstance(one, dict)] if isinstance(told, list) else []
    found = []
    for one in entries:
        name, size, handle = one.get("name"), one.get("size"), one.get("handle")
        found.append(Sent(str(name)[:500], size if isinstance(size, int) else 0, handle if isinstance(handle, str) else ""))
    return found


def _titles(found: Sequence[Line], archive: Archive) -> dict[str, str]:
    titles = {}
    for line in found:
        if line.article:
            try:
                titles[line.article] = archive.article(line.article).title
            except ClippingsError:  # taken out again meanwhile
                continue
    return titles
