"""The reading room in the browser: a question in, quotes with citations out, each one click away from its article.

It puts the pages together and serves them. The only file that imports gradio, and only when a page is served. Nothing here makes a
request to anywhere but the page's own server.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Collection
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from index import terminal
from index.errors import UsageError
from index.terminal import Command

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp

    from index import Archive


def build(archive: "Archive") -> "gr.Blocks":
    """The pages over an archive."""
    import gradio as gr

    from eval import web
    from qa.web import ask, library, programs
    from qa.web.uploads import MAX_AGE

    with gr.Blocks(title="Clippings", analytics_enabled=False, fill_width=True, delete_cache=(600, MAX_AGE)) as blocks:
        gr.Navbar(main_page_name="Ask")
        ask.draw(gr, archive)
        programs.draw(gr, archive)
    with blocks.route("Library", "/library"):
        gr.Navbar(main_page_name="Ask")
        library.draw(gr, archive)
    with blocks.route("Evaluate", "/evaluate"):
        gr.Navbar(main_page_name="Ask")
        web.draw(gr, archive)
    return blocks


def serve(archive: "Archive", host: str, port: int, mcp: bool = False, names: Collection[str] = (), auth: Path | None = None) -> None:
    """Load the model, open the pages at host:port, and stay until SIGTERM or Ctrl-C.

    `mcp`: programs may use the endpoints as tools of the Model Context Protocol too; `names`: what else users call this machine by; `auth`:
    the file of those who may enter, without which only this machine is served. A UsageError where the port is taken, or that file is wrong.
    """
    from qa.page import prompts
    from qa.web import door, guard, programs, server
    from qa.web.uploads import Uploads

    if auth is None and host not in guard.LOOPBACK:
        raise UsageError(f"--host {host} lets other machines in: name who may enter with --auth FILE, a line 'name:password' for each")
    if auth and mcp:
        raise UsageError("--mcp serves tools without a login: leave out --auth, and --host with it")
    if mcp:
        programs.check_tools()
    entrance = door.Door(door.accounts(auth)) if auth else None
    with server.listen(host, port) as listening, TemporaryDirectory(prefix="clippings-", ignore_cleanup_errors=True) as folder:
        archive.load()
        prompts(archive)  # the reader is loaded too, and what every page asks is answered
        _set_environment(folder)
        page = build(archive)
        app, end_streams = _mount(page, archive, mcp)
        uploads = Uploads(Path(folder), page.upload_file_set)
        guarded = guard.Guard(app, guard.Hosts.of(host, names), uploads, [name for name, *_ in page.pages], mcp, entrance)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
        server.run(guarded, listening, lambda: _tell(address, mcp), end_streams)
    server.leave()


def _tell(address: str, mcp: bool) -> None:
    if mcp:
        terminal.talk(f"its tools for programs are at {address}gradio_api/mcp/")
    terminal.talk(f"Clippings is at {address} (Ctrl-C ends it)")


def _set_environment(folder: str) -> None:
    """What gradio reads there: nothing that opens a door, and a folder for files that only this user can read."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = folder
    # After each event gradio counts the last 10,000 anew, in a pandas frame, for a page that is closed here.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"


def _mount(page: "gr.Blocks", archive: "Archive", mcp: bool) -> tuple["ASGIApp", Callable[[], None]]:
    """The pages as an application, and what ends the streams that never end by themselves.

    Gradio's own `launch` would put its answers to preflights outside of the guard, name its version, and wait for nothing at the end.
    """
    import gradio as gr
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from gradio.route_utils import FnIndexInferError

    from qa.web import programs, refusal
    from qa.web.kept import MAX_FILE

    page.queue(max_size=64, default_concurrency_limit=2, api_open=False)
    page.state_session_capacity = 200
    programs.name_what_is_missing(gr, page)
    # `launch` would set these: without them gradio neither checks files that a message names nor sends heartbeats.
    page.has_launched = page.is_running = True
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # said of every page beside the first, whatever is asked for
        app = gr.mount_gradio_app(
            FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
            page,
            path="/",
            show_error=False,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=mcp,
            pwa=False,
            max_file_size=MAX_FILE,
            blocked_paths=[str(archive.folder.resolve())],
            app_kwargs={"exception_handlers": {**refusal.handlers(RequestValidationError, FnIndexInferError), **programs.HANDLERS}},
            theme=_theme(gr),
            css=files("qa").joinpath("page.css").read_text(encoding="utf-8"),
        )
    if mcp:
        programs.answer_in_json(page.mcp_server_obj)
    page.config["version"] = page.config["version"].partition(".")[0]  # clients need one, and no more of it
    return app, app.routes[-1].app.stop_event.set


def _theme(gr: Any) -> Any:
    # Gradio's semi-bold font files lack most Latin letters, and its grey for placeholders is 2.6:1 on white.
    sans = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    return gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=[sans, "system-ui", "sans-serif"]).set(
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )


def _options(parser: argparse.ArgumentParser) -> None:
    terminal.archive_options(parser)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="the port to listen on (default: 7860)")
    parser.add_argument("--mcp", action="store_true", help="serve programs too, by the Model Context Protocol (needs the extra 'mcp')")
    auth = "who may enter: a file with a line 'name:password' for each, that only you can read (default: $CLIPPINGS_AUTH)"
    known = os.environ.get("CLIPPINGS_AUTH")
    parser.add_argument("--auth", type=Path, default=Path(known) if known else None, metavar="FILE", help=auth)
    name = "a name that users type for this machine, such as newsroom.local; several may be given. Others are refused"
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help=name)


def _chat(arguments: argparse.Namespace) -> int:
    archive = terminal.open_archive(arguments.archive, arguments.model)
    serve(archive, arguments.host, arguments.port, arguments.mcp, arguments.name, arguments.auth)
    return 0


COMMANDS = (Command("chat", "Open the chat in the browser.", _options, _chat),)

if __name__ == "__main__":
    sys.exit(terminal.main("python app.py", __doc__, COMMANDS))
