"""The chat in the browser: a question in, quotes with citations out, each one click away from its article.

It draws and nothing else: qa/page.py makes what is shown. The only file that imports gradio, and only when a page is served. Nothing
here makes a request to anywhere but the page's own server.
"""

# No postponed annotations here: gradio reads the handlers' own, and must find its types in them.
import argparse
import html
import os
import socket
import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from index import terminal
from index.errors import ClippingsError, UsageError
from index.terminal import Command

if TYPE_CHECKING:
    import gradio as gr

    from index import Archive

_WELCOME = "## What would you like to know?\n\nAnswers are sentences of the archive, word for word, each with its article beside it."
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_READER = """<section class="panel" aria-label="Sources" tabindex="0">
<div class="bar" hidden><button type="button" class="back">← All quotes</button>
<button type="button" class="close" aria-label="Close">✕</button></div>
<div class="sources" aria-live="polite">${value}</div><div class="reader" hidden></div></section>"""


def build(archive: "Archive") -> "gr.Blocks":
    """The page over an archive."""
    import gradio as gr

    from qa import page

    def open_passage(citation: str) -> str:
        return page.passage(str(citation), archive)

    with gr.Blocks(title="Clippings", analytics_enabled=False, fill_width=True) as blocks:
        masthead = gr.HTML(page.masthead(archive), apply_default_css=False, elem_id="masthead")
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=7, min_width=320, elem_id="left"):
                chat, box, new = _conversation(gr, page.prompts(archive))
            with gr.Column(scale=5, min_width=320, elem_id="right"):
                reader = gr.HTML(
                    page.NO_SOURCES,
                    html_template=_READER,
                    js_on_load=files("qa").joinpath("page.js").read_text(encoding="utf-8"),
                    server_functions=[open_passage],
                    elem_id="side",
                    apply_default_css=False,
                )
        _wire(gr, archive, chat, box, new, reader)
        _keep_counting(gr, archive, masthead, chat)
    return blocks


def _conversation(gr: Any, examples: list[str]) -> tuple[Any, Any, Any]:
    """The chat, the box to ask in, and the button for a new chat."""
    chat = gr.Chatbot(
        elem_id="chat",
        label="Conversation",
        show_label=False,
        container=False,
        height=None,
        layout="panel",
        autoscroll=False,
        buttons=[],
        latex_delimiters=[],
        allow_tags=False,
        placeholder=_WELCOME,
        examples=[{"text": prompt} for prompt in examples],
    )
    with gr.Row(elem_id="entry"):
        box = gr.Textbox(
            placeholder="Ask the archive",
            label="Question",
            show_label=False,
            container=False,
            submit_btn=True,
            autofocus=True,
            scale=9,
            elem_id="question",
        )
        new = gr.Button("New chat", size="md", scale=0, min_width=100, elem_id="new")
    return chat, box, new


def _wire(gr: Any, archive: "Archive", chat: Any, box: Any, new: Any, reader: Any) -> None:
    """What happens when something is asked, chosen or cleared.

    While an answer is made nothing else can be asked: two at once would each write its own history over the other's.
    """
    from qa import page

    def typed(message: str, history: page.Messages | None) -> tuple[Any, page.Messages]:
        return gr.Textbox(value="", interactive=False), page.asked(history, message)

    def chosen(history: page.Messages | None, event: gr.SelectData) -> tuple[Any, page.Messages]:
        return typed(event.value["text"], history)

    def answer(history: page.Messages) -> tuple[page.Messages, str]:
        text, sources = page.reply(history, archive)
        return [*history, {"role": "assistant", "content": text}], sources

    def again(history: page.Messages, event: gr.EventData) -> Iterator[tuple[Any, Any, Any]]:
        yield gr.skip(), gr.skip(), gr.Textbox(interactive=False)
        yield *page.again(history, event.number, event.link, archive), ready()

    def ready() -> Any:
        return gr.Textbox(interactive=True)

    def thumbed(history: page.Messages, event: gr.LikeData) -> None:
        try:
            gr.Info(page.noted(history, event.index, event.liked, archive), duration=3)
        except ClippingsError as error:
            gr.Warning(html.escape(f"Not kept: {error}."))

    begun = (
        box.submit(typed, [box, chat], [box, chat], queue=False, **_PRIVATE),
        chat.example_select(chosen, chat, [box, chat], queue=False, **_PRIVATE),
    )
    answering = [event.then(answer, chat, [chat, reader], show_progress="minimal", **_PRIVATE) for event in begun]
    for event in answering:
        event.then(ready, None, box, queue=False, **_PRIVATE).then(None, js=_SHOW_QUESTION, **_PRIVATE)

    answering.append(reader.select(again, chat, [chat, reader, box], show_progress="minimal", **_PRIVATE))

    def cleared() -> tuple[page.Messages, str, Any]:
        return [], page.NO_SOURCES, ready()

    chat.like(thumbed, chat, None, **_PRIVATE)
    gr.on([new.click, chat.clear], cleared, None, [chat, reader, box], cancels=answering, queue=False, **_PRIVATE)


def _keep_counting(gr: Any, archive: "Archive", masthead: Any, chat: Any) -> None:
    """Whenever the conversation changes, and when a page opens with it: another process may have added something."""
    from qa import page

    def count() -> Any:
        try:
            return page.masthead(archive)
        except ClippingsError:  # the next answer says what is wrong
            return gr.skip()

    chat.change(count, None, masthead, queue=False, show_progress="hidden", **_PRIVATE)


# A long answer would push its own question out of sight: scroll the chat so that the question stands at the top.
_SHOW_QUESTION = """() => {
  const asked = [...document.querySelectorAll('#chat [data-testid=user]')].pop();
  let scrolled = asked && asked.parentElement;
  while (scrolled && scrolled.scrollHeight <= scrolled.clientHeight + 4) scrolled = scrolled.parentElement;
  if (scrolled && document.querySelector('#chat').contains(scrolled))
    scrolled.scrollTop += asked.getBoundingClientRect().top - scrolled.getBoundingClientRect().top - 16;
}"""


def serve(archive: "Archive", host: str, port: int) -> None:
    """Load the model, open the page at host:port, and stay until interrupted; a UsageError where the port is taken."""
    _check_free(host, port)
    archive.load()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
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
        mcp_server=False,
        theme=_theme(gr),
        css=files("qa").joinpath("page.css").read_text(encoding="utf-8"),
    )
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


def _chat(arguments: argparse.Namespace) -> int:
    serve(terminal.open_archive(arguments.archive, arguments.model), arguments.host, arguments.port)
    return 0


COMMANDS = (Command("chat", "Open the chat in the browser.", _options, _chat),)

if __name__ == "__main__":
    sys.exit(terminal.main("python app.py", __doc__, COMMANDS))
