"""The reading room in the browser: a question in, quotes with citations out, each one click away from its article.

It puts the pages together and serves them. The only file that imports gradio, and only when a page is served. Nothing here makes a
request to anywhere but the page's own server.
"""

import argparse
import os
import socket
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from index import terminal
from index.errors import UsageError
from index.terminal import Command

if TYPE_CHECKING:
    import gradio as gr

    from index import Archive


def build(archive: "Archive") -> "gr.Blocks":
    """The pages over an archive."""
    import gradio as gr

    from eval import web
    from qa.web import ask, library, programs

    with gr.Blocks(title="Clippings", analytics_enabled=False, fill_width=True) as blocks:
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


def serve(archive: "Archive", host: str, port: int, mcp: bool = False) -> None:
    """Load the model, open the page at host:port, and stay until interrupted; a UsageError where the port is taken.

    `mcp`: programs may use the endpoints as tools of the Model Context Protocol too.
    """
    from qa.web import programs

    if mcp:
        programs.check_tools()
    _check_free(host, port)
    archive.load()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # After each event gradio counts the last 10,000 anew, in a pandas frame, for a page that is closed here.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    for name in ("GRADIO_SHARE", "GRADIO_ALLOWED_PATHS", "GRADIO_MCP_SERVER", "GRADIO_ROOT_PATH"):
        os.environ.pop(name, None)
    for name in ("NO_PROXY", "no_proxy"):  # behind a proxy, gradio would look for its own page through it
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
    import gradio as gr

    page = build(archive)
    page.queue(max_size=64, default_concurrency_limit=2, api_open=False)
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        show_error=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=mcp,
        app_kwargs={"exception_handlers": programs.HANDLERS},
        theme=_theme(gr),
        css=files("qa").joinpath("page.css").read_text(encoding="utf-8"),
    )
    if mcp:
        programs.answer_in_json(page.mcp_server_obj)
        terminal.talk(f"its tools for programs are at {address}gradio_api/mcp/")
    terminal.talk(f"Clippings is at {address} (Ctrl-C ends it)")
    page.block_thread()


def _check_free(host: str, port: int) -> None:
    """Before the model is loaded, and more plainly than gradio would say it."""
    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as error:
        reason = f"{host}:{port} cannot be listened on, perhaps because it is in use"
        raise UsageError(f"{reason}: choose another with --port") from error


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


def _chat(arguments: argparse.Namespace) -> int:
    serve(terminal.open_archive(arguments.archive, arguments.model), arguments.host, arguments.port, arguments.mcp)
    return 0


COMMANDS = (Command("chat", "Open the chat in the browser.", _options, _chat),)

if __name__ == "__main__":
    sys.exit(terminal.main("python app.py", __doc__, COMMANDS))
