"""The Ask page: a question in, quotes with citations out, each one click away from its article.

It draws and nothing else: qa/page.py makes what is shown. It is given gradio, which app.py alone imports.
"""

# No postponed annotations here: gradio reads the handlers' own, and must find its types in them.
import html
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from index import Archive
from index.errors import ClippingsError
from qa import page

_WELCOME = "## What would you like to know?\n\nAnswers are sentences of the archive, word for word, each with its article beside it."
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_READER = """<section class="panel" aria-label="Sources" tabindex="0">
<div class="bar" hidden><button type="button" class="back">← All quotes</button>
<button type="button" class="close" aria-label="Close">✕</button></div>
<div class="sources" aria-live="polite">${value}</div><div class="reader" hidden></div></section>"""


def draw(gr: Any, archive: Archive) -> None:
    """The page over an archive, inside the Blocks that are open."""

    def open_passage(citation: str) -> str:
        return page.passage(str(citation), archive)

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


def _wire(gr: Any, archive: Archive, chat: Any, box: Any, new: Any, reader: Any) -> None:
    """What happens when something is asked, chosen or cleared.

    While an answer is made nothing else can be asked: two at once would each write its own history over the other's.
    """

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


def _keep_counting(gr: Any, archive: Archive, masthead: Any, chat: Any) -> None:
    """Whenever the conversation changes, and when a page opens with it: another process may have added something."""

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
