"""The Library page: find, sort, filter and read articles, add files, take articles out and put them back.

It draws and nothing else: qa/web/shelf.py answers what the page asks, qa/web/adds.py adds the files. It is given gradio, which app.py
alone imports.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from index import Archive
from index.articles.files import FORMATS
from index.errors import ClippingsError
from qa import page
from qa.web import kept
from qa.web.adds import Adds
from qa.web.kept import Kept
from qa.web.shelf import Shelf

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
_ADDING = '<div class="found" role="log" aria-live="polite" aria-label="Files added"></div><div class="running"></div>'
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
            finder = _finder(gr, shelf, Adds(archive, files_, shelf.may_come_back))
            gr.HTML("", html_template=_ADDING, apply_default_css=False, elem_id="adding")
            gr.HTML("", html_template=_ARTICLES, apply_default_css=False, elem_id="articles")
        with gr.Column(scale=6, min_width=320, elem_id="right"):
            gr.HTML("", html_template=_READING, apply_default_css=False, elem_id="side")
    _wire(gr, archive, finder, masthead)


def _finder(gr: Any, shelf: Shelf, adds: Adds) -> Any:
    """What to look for, and the page's script, which asks the server for everything else."""
    orders = "".join(f'<option value="{order}">{name}</option>' for order, name in _ORDERS.items())
    home = files("qa.web")
    script = "\n".join(home.joinpath(name).read_text(encoding="utf-8") for name in ("login.js", "library.js"))
    return gr.HTML(
        "",
        html_template=_FINDER.replace("ORDERS", orders).replace("FORMATS", ",".join([*FORMATS, ".gz"])),
        head=f"<style>{home.joinpath('library.css').read_text(encoding='utf-8')}</style>",
        js_on_load=script.replace("MOST_BYTES", str(kept.MAX_FILE)).replace("MOST_FILES", str(kept.MAX_FILES)),
        server_functions=_functions(shelf, adds),
        elem_id="finder",
        apply_default_css=False,
    )


def _functions(shelf: Shelf, adds: Adds) -> list[Callable[..., Any]]:
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

    def add(asked: Any) -> Any:
        return adds.begin(asked)

    def added(asked: Any) -> Any:
        return adds.told(asked)

    return [listing, article, state, check, remove, put_back, add, added]


def _wire(gr: Any, archive: Archive, finder: Any, masthead: Any) -> None:
    def count() -> Any:
        try:
            return page.masthead(archive)
        except ClippingsError:  # the list says what is wrong
            return gr.skip()

    counting: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    gr.on(None, count, None, masthead, **counting)
    finder.select(count, None, masthead, **counting)  # something was added, taken out, or put back
