"""Answer -> text that leaves the house: footnotes, Markdown, JSON, CSV. Pure; qa/exported.py reads it back.

Each quote goes with its outlet, title, date and address, a link to its sentence on the live page, and what `verify` needs: the span in
characters, the article's path, id and SHA-256, and a digest. In every format the quote can be read back to the character.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from index.clean import one_line
from index.terminal import as_json, shown
from qa.answer import Answer
from qa.citation import Citation
from qa.fragment import address
from qa.render import copies, differ

COLUMNS = (
    "question", "outcome", "reason", "searched", "number", "of", "text", "outlet", "title", "date", "url", "link", "path", "start", "end",
    "article", "sha256", "digest", "speaker", "verb", "also", "differ",
)  # fmt: skip
NO_ANSWER = "The archive does not say: "
ON_THE_PAGE = "this sentence on the page"

# A spreadsheet runs a cell that begins so (https://owasp.org/www-community/attacks/CSV_Injection). An apostrophe goes before it, and
# before one that has apostrophes there already, so that taking away the first undoes it.
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r\n]")
_DISARMED = re.compile(rf"'(?={_FORMULA.pattern})")

# What Markdown reads as markup, anywhere or at the head of a line; a backslash takes that from it.
_NUMBERED = "|".join(rf"(?<=^\d{{{digits}}})[.)]" for digits in range(1, 10))
_MARKUP = re.compile(rf"[\\`*_\[\]<>|~$=^#&{{}}]|^[-+:]|(?<=%)%|{_NUMBERED}", re.MULTILINE)
# White space that Markdown drops or folds: all but single spaces and line breaks between words.
_LOOSE = re.compile(r"[^\S \n]|(?<!\S) | (?!\S)|(?<![^\n])\n|\n(?![^\n])")


def footnotes(answer: Answer) -> str:
    """Plain text, a numbered note a quote. The lines of a quote after its first are indented by four."""
    notes = [*(_footnote(one, _said(one, answer)) for one in answer.quotes), *_searched(answer)] or [_abstention(answer)]
    return "\n\n".join([one_line(answer.question), *notes]) + "\n"


def _footnote(citation: Citation, said: str) -> str:
    article = citation.article
    facts = [article.source, f"“{article.title}”", article.published, address(article.url)]
    parts = [f"[{citation.number}] “{citation.quote}”", ", ".join(filter(None, facts)), citation.link, said, provenance(citation)]
    return "\n".join(filter(None, parts)).replace("\n", "\n    ")


def _said(citation: Citation, answer: Answer) -> str:
    """On one line, where it is known: who says a quote and how, where else it stands, and which other quote differs from it."""
    speech = f"{one_line(citation.speaker)}: {one_line(citation.verb)}" if citation.speech else ""
    return ". ".join(filter(None, [speech, copies(citation), _differs(citation, answer)]))


def _differs(citation: Citation, answer: Answer) -> str:
    return ". ".join(differ(one) for one in answer.differ if citation.number in (one.first, one.second))


def provenance(citation: Citation) -> str:
    """Where a quote is from, to the character, and what ties it to that: one line."""
    article = citation.article
    span = f"characters {citation.start} to {citation.end}"
    return f"{shown(article.path)}, {span} of article {article.id}, SHA-256 {article.sha256}, digest {citation.digest}"


def _abstention(answer: Answer) -> str:
    return f"{NO_ANSWER}{one_line(answer.reason)}. Searched: {one_line(str(answer.searched))}."


def _searched(answer: Answer) -> list[str]:
    """What an answer that is not of the whole archive is of: someone else could not tell."""
    return [f"Searched: {one_line(str(answer.searched))}."] if answer.quotes and answer.searched.limits else []


def markdown(answer: Answer) -> str:
    """CommonMark: the question as a heading, a block quote a quote. What it shows is the quote to the character, spaces too."""
    quotes = [*(_block(one, _said(one, answer)) for one in answer.quotes), *map(plain, _searched(answer))] or [plain(_abstention(answer))]
    return "\n\n".join([f"## {plain(one_line(answer.question))}", *quotes]) + "\n"


def _block(citation: Citation, said: str) -> str:
    article = citation.article
    title = f"[{plain(article.title)}]({_target(address(article.url))})" if article.url else plain(article.title)
    sentence = f"[{ON_THE_PAGE}]({_target(citation.link)})" if citation.link else ""
    facts = " · ".join(filter(None, [f"**{citation.number}**", plain(article.source), article.published, title, sentence]))
    paragraphs = "\n\n".join([plain(citation.quote), facts, *filter(None, [plain(said)]), plain(provenance(citation))])
    return f"> {paragraphs}".replace("\n", "\n> ").replace("> \n", ">\n")


def _target(url: str) -> str:
    """An address in angle brackets, where only an entity could still be read otherwise."""
    return f"<{url.replace('&', '&amp;')}>"


def plain(text: str) -> str:
    """`text` as Markdown that shows exactly it, in one paragraph."""
    return _LOOSE.sub(lambda sign: f"&#{ord(sign[0])};", _MARKUP.sub(r"\\\g<0>", text))


def table(answer: Answer) -> str:
    """CSV with a header: a row a quote, or one row for an abstention."""
    return rows([COLUMNS, *answer_rows(answer)])


def answer_rows(answer: Answer) -> list[list[str]]:
    """The cells of an answer, under COLUMNS. `number` counts its quotes to `of`; there are none of either in an abstention's."""
    common: dict[str, Any] = {
        "question": one_line(answer.question), "outcome": answer.outcome, "reason": one_line(answer.reason),
        "searched": one_line(str(answer.searched)),
    }  # fmt: skip
    quotes = [_cells(citation) | {"of": len(answer.quotes), "differ": _differs(citation, answer)} for citation in answer.quotes] or [{}]
    return [[str((common | quote).get(name, "")) for name in COLUMNS] for quote in quotes]


def _cells(citation: Citation) -> dict[str, Any]:
    own = {"number": citation.number, "path": shown(citation.article.path), "also": copies(citation)}
    return citation.as_dict() | own | {name: one_line(getattr(citation, name)) for name in ("speaker", "verb")}


def rows(cells: Iterable[Iterable[str]]) -> str:
    """Rows of CSV: each cell in quotes, none that a spreadsheet would run."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([map(disarmed, row) for row in cells])
    return written.getvalue()


def disarmed(cell: str) -> str:
    """`cell`, with an apostrophe ahead where a spreadsheet would run it as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def rearmed(cell: str) -> str:
    """What `disarmed` was given."""
    return cell[1:] if _DISARMED.match(cell) else cell


FORMATS: Mapping[str, Callable[[Answer], str]] = {
    "footnote": footnotes,
    "markdown": markdown,
    "json": lambda answer: as_json(answer.as_dict()),
    "csv": table,
}
