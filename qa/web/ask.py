"""The Ask page: a question in, quotes with citations out, each one click away from its article.

It draws and nothing else: qa/conversation.py and qa/page.py make what is shown, qa/page.js does what the browser can do by itself. It is
given gradio, which app.py alone imports.
"""

# No postponed annotations here: gradio reads the handlers' own, and must find its types in them.
import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from index import Archive
from index.errors import ClippingsError
from qa import conversation, message, page
from qa.conversation import Messages
from qa.web import markup
from qa.web.programs import ANSWERING

_WELCOME = (
    "<h2>What would you like to know?</h2><p>Answers are sentences of the archive, word for word, each with its article beside it.</p>"
)
_BELOW = """<p id="chosen" role="group" aria-label="Limits" hidden><span class="wrong"></span>
<button type="button" class="clear">Clear filters</button></p>
<form id="limits" class="filters" aria-label="Filters" hidden>
<label class="wide"><span>Outlet</span><select><option value="">All outlets</option></select></label>
<label><span>From</span><input type="date" name="since"></label>
<label><span>To</span><input type="date" name="until"></label></form>
<div id="foot"><span><button type="button" id="save">Save the conversation</button>
<button type="button" id="filter" aria-expanded="false" aria-controls="limits">Filters</button></span>
<p id="keys"><kbd>Tab</kbd> to a number,
<kbd>Enter</kbd> opens it · <kbd>←</kbd> <kbd>→</kbd> the quotes before and after · <kbd>Esc</kbd> back</p>
<div id="status" role="status" aria-live="polite"></div></div>"""
_UNANSWERED = "This was not answered: too many questions may be waiting, or something went wrong. Ask it again in a moment."
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_READER = """<section class="panel" aria-label="Sources">
<div class="bar top" hidden><button type="button" class="back">← All quotes</button>
<a class="shelf">Open in library</a><button type="button" class="close" aria-label="Close">✕</button></div>
<div class="scroll" tabindex="0" role="region" aria-label="Sources"><div class="sources">${value}</div>
<div class="reader" hidden></div></div>
<div class="bar bottom" hidden><button type="button" class="previous" aria-label="Previous quote">‹</button><span class="place"></span>
<button type="button" class="next" aria-label="Next quote">›</button><button type="button" class="one">Copy as footnote</button>
<button type="button" class="right" aria-pressed="false">This is the right sentence</button></div></section>"""
# What is chosen there goes along with what is asked; a day that is half typed is none.
_LIMITS = """(form => form.querySelector(':invalid') ? 'since=?' : String(new URLSearchParams(new FormData(form))))(
  document.querySelector('#limits'))"""
_TYPED = f"(message, shown, limits) => [message, shown, {_LIMITS}]"
_CHOSEN = f"(shown, limits) => [shown, {_LIMITS}]"
# The browser's own address goes along with what it saved.
_WITH_ADDRESS = "(saved, address) => [saved, location.search]"
# A chat that is still empty as the page opens is not to be saved; "New chat" saves its own. An array is taken for all outputs: hence two.
_SAVED = "(shown, saved) => [shown?.length ? [...shown] : saved]"
# What was disabled has lost the focus. By touch that would bring up a keyboard over the answer.
_FOCUS = """() => {
  const free = document.activeElement === document.body && matchMedia('(pointer: fine)').matches;
  if (free) document.querySelector('#question textarea').focus({preventScroll: true});
}"""
# Where an event fails, as from a full queue, gradio goes on with nothing but what is for a failure. That is for the browser alone, since
# the server may be what failed: nothing can be asked before the box is ready, and the question is in it again.
_FAILED = f"""(shown, saved) => {{
  const text = one => [one.content].flat().map(part => part.text ?? part).join(' ');
  const problem = {{role: 'assistant', content: [{{type: 'text', text: {json.dumps(message.problem(_UNANSWERED))}}}]}};
  const history = (shown?.length ? shown : saved ?? []).map(one => text(one).includes({json.dumps(message.BEGUN)}) ? problem : one);
  const last = history.at(-1);
  if (last ? last.role === 'user' : location.search.includes('q=')) history.push(problem);
  const asked = history.at(-1) === problem && history.at(-2);
  const value = asked ? {{value: new DOMParser().parseFromString(text(asked).split('<')[0], 'text/html').body.textContent}} : {{}};
  document.dispatchEvent(new Event('failed'));
  return [history, {{__type__: 'update', interactive: true, ...value}}];
}}"""
# What fails of an answer that New chat stopped finds nothing to say it of.
_CLEARED = "() => [[], []]"


def draw(gr: Any, archive: Archive) -> None:
    """The page over an archive, inside the Blocks that are open."""
    masthead = gr.HTML(page.masthead(archive), apply_default_css=False, elem_id="masthead")
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=7, min_width=320, elem_id="left"):
            chat, box, new = _conversation(gr, archive)
        with gr.Column(scale=5, min_width=320, elem_id="right"):
            reader = _reader(gr, archive)
    # A conversation belongs to its archive; the browser encrypts it with a secret that is none, and must be the same after a restart.
    key = hashlib.sha256(str(archive.folder.resolve()).encode()).hexdigest()[:12]
    saved = gr.BrowserState([], storage_key=f"clippings-{key}", secret="clippings")  # noqa: S106
    _wire(gr, archive, chat, box, new, reader, saved)
    _keep(gr, archive, saved, masthead, chat, box, reader)


def _conversation(gr: Any, archive: Archive) -> tuple[Any, Any, Any]:
    """The chat, the box to ask in, and the button for a new chat; under them what limits the questions."""

    def outlets(_: Any) -> str:
        try:
            return markup.outlets(archive.outlets())
        except ClippingsError:  # the next answer says what is wrong
            return ""

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
    )
    with gr.Row(elem_id="entry"):
        box = gr.Textbox(
            placeholder="Ask the archive",
            label="Question",
            show_label=False,
            container=False,
            submit_btn=True,
            interactive=False,
            scale=9,
            elem_id="question",
        )
        new = gr.Button("New chat", size="md", scale=0, min_width=100, elem_id="new")
    gr.HTML(
        "",
        html_template=_BELOW,
        js_on_load=files("qa").joinpath("limits.js").read_text(encoding="utf-8"),
        server_functions=[outlets],
        elem_id="below",
        apply_default_css=False,
    )
    return chat, box, new


def _reader(gr: Any, archive: Archive) -> Any:
    """The panel beside the chat. What it asks of the server needs no queue, and no more than the names of spans."""

    def open_passage(name: str) -> str:
        return page.passage(str(name), archive)

    def sources(sent: dict[str, Any]) -> str:
        return page.sources([str(name) for name in sent.get("quotes", ())], archive, str(sent.get("question", "")))

    def exported(sent: dict[str, Any]) -> dict[str, str]:
        try:
            form = "footnote" if sent.get("form") == "footnote" else "markdown"
            return {"text": page.exported(page.told(sent.get("answers")), form, archive)}
        except ClippingsError as error:
            return {"problem": f"Nothing was copied or saved: {page.plainly(error, archive)}."}

    def noted(sent: dict[str, Any]) -> dict[str, Any]:
        try:
            question, headline, right = (str(sent.get(name, "")) for name in ("question", "headline", "right"))
            thumb = sent.get("liked")
            return {"kept": True, "said": page.noted(question, headline, right, thumb if isinstance(thumb, bool) else None, archive)}
        except ClippingsError as error:
            return {"kept": False, "said": f"Not kept: {page.plainly(error, archive)}."}

    return gr.HTML(
        page.start(archive),
        html_template=_READER,
        js_on_load="\n".join(files("qa").joinpath(name).read_text(encoding="utf-8") for name in ("web/login.js", "keep.js", "page.js")),
        server_functions=[open_passage, sources, exported, noted],
        elem_id="side",
        apply_default_css=False,
    )


def _wire(gr: Any, archive: Archive, chat: Any, box: Any, new: Any, reader: Any, saved: Any) -> None:
    """What happens when something is asked, chosen or cleared.

    While an answer is made nothing else can be asked: two at once would each write its own history over the other's.
    """

    def typed(message: str, history: Messages | None, limits: str) -> tuple[Any, Messages]:
        return gr.Textbox(value="", interactive=False), conversation.asked(history, message, conversation.chosen(limits or ""))

    def chosen(history: Messages | None, limits: str, event: gr.SelectData) -> tuple[Any, Messages]:
        return typed(event.value["text"], history, limits)

    def answer(history: Messages) -> Iterator[tuple[Messages, str]]:
        for content, sources in conversation.replies(history, archive):
            yield conversation.answered(history, content), sources

    def acted(history: Messages, event: gr.EventData) -> Iterator[tuple[Any, Any, Any]]:
        yield gr.skip(), gr.skip(), gr.Textbox(interactive=False)
        if event.address is not None:
            steps = conversation.returned(history, str(event.address), archive)
        else:
            steps = conversation.again(history, int(event.number), str(event.link), archive)
        for step in steps:
            yield *step, gr.skip()
        yield gr.skip(), gr.skip(), _ready(gr)

    def ready() -> Any:
        return _ready(gr)

    def cleared() -> tuple[Messages, Messages, str, Any]:
        return [], [], page.start(archive), ready()

    limits = gr.Textbox(visible=False)
    begun = (
        box.submit(typed, [box, chat, limits], [box, chat], js=_TYPED, queue=False, **_PRIVATE),
        chat.example_select(chosen, [chat, limits], [box, chat], js=_CHOSEN, queue=False, **_PRIVATE),
    )
    answering = [event.then(answer, chat, [chat, reader], show_progress="minimal", **ANSWERING, **_PRIVATE) for event in begun]
    for event in answering:
        event.then(ready, None, box, queue=False, **_PRIVATE).then(None, js=_FOCUS, **_PRIVATE)
    answering.append(reader.select(acted, chat, [chat, reader, box], show_progress="minimal", **ANSWERING, **_PRIVATE))
    answering[-1].then(None, js=_FOCUS, **_PRIVATE)
    for event in (*begun, *answering):
        event.failure(None, [chat, saved], [chat, box], js=_FAILED, **_PRIVATE)
    new.click(None, None, [chat, saved], js=_CLEARED, **_PRIVATE)
    new.click(cleared, None, [chat, saved, reader, box], cancels=answering, queue=False, **_PRIVATE)


def _keep(gr: Any, archive: Archive, saved: Any, masthead: Any, chat: Any, box: Any, reader: Any) -> None:
    """The conversation is saved in the browser as it changes, and comes back when the page is opened again, or asked again, by its address.

    Nothing can be asked before it is back, since that would be lost. What the archive holds is counted then and with each answer, and what
    to ask is offered then: something may have been added since.
    """

    def visited(held: Any, query: str) -> Iterator[tuple[Messages, str]]:
        for history, sources in conversation.visited(held, query or "", archive):
            yield history or gr.skip(), sources

    def opened() -> tuple[Any, Any]:
        return count(), _ready(gr)

    def count() -> Any:
        try:
            return page.masthead(archive)
        except ClippingsError:  # the next answer says what is wrong
            return gr.skip()

    def offered() -> Any:
        try:
            return gr.Chatbot(examples=[{"text": prompt} for prompt in page.prompts(archive)])
        except ClippingsError:  # as above
            return gr.skip()

    address = gr.Textbox(visible=False)
    load = gr.context.Context.root_block.load
    back = load(visited, [saved, address], [chat, reader], js=_WITH_ADDRESS, show_progress="hidden", **ANSWERING, **_PRIVATE)
    back.then(opened, None, [masthead, box], queue=False, show_progress="hidden", **_PRIVATE).then(None, js=_FOCUS, **_PRIVATE)
    back.failure(None, [chat, saved], [chat, box], js=_FAILED, **_PRIVATE)
    back.then(offered, None, chat, show_progress="hidden", **ANSWERING, **_PRIVATE)
    chat.change(None, [chat, saved], saved, js=_SAVED, **_PRIVATE)
    chat.change(count, None, masthead, queue=False, show_progress="hidden", **_PRIVATE)


def _ready(gr: Any) -> Any:
    return gr.Textbox(interactive=True)
