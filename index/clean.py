"""Markup and the litter of web pages -> the text of an article. Pure; it knows nothing of files or formats.

What goes out is what is indexed and quoted: paragraphs separated by one blank line, without control characters, and
without the lines that a page puts around an article: newsletter prompts, sharing and comment prompts, photo credits,
captions, "3 min read". A line goes only when the whole line matches, or when it stands inside a newsletter form or a list of
other stories; no word inside a sentence is ever touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

# C0 and C1 controls but tab and newline; soft hyphens; zero-width, direction and byte-order marks; tag characters.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029|\x85")

_BOILERPLATE = re.compile(
    r"""(?xi)
      \d{1,3}\s*(?:-\s*)?min(?:ute)?s?\ (?:read|watch|listen) | related\ (?:stories|articles|topics|content)\s*:?
    | (?:leave|post|write|add)\ (?:a|your)\ (?:reply|comment)s? | \d*\s*comments? | (?:view|show|load)\ (?:all\ |more\ )?comments?
    | your\ email\ address\ will\ not\ be\ published\b.{0,80} | (?:all\ )?required\ fields\ are\ marked\b.{0,20}
    | back\ to\ top(?:\ button)? | skip\ to\ (?:main\ )?content | accept\ (?:all\ )?cookies
    | advertisement | sponsored(?:\ content)? | live\ story | analysis | opinion | most\ (?:read|popular|viewed)
    | share | tweet | print | e-?mail | whatsapp | facebook | twitter | copy\ link | save | listen | subscribe | sign\ up | log\ in
    | get\ .{1,60}\ in\ your\ inbox[!.]? | thanks\ for\ (?:signing\ up|subscribing)\b.{0,60} | you\ are\ now\ subscribed\b.{0,200}
    | by\ (?:clicking|signing\ up|subscribing|submitting)\b.{0,60}\byou\ agree\b.{0,160} | we\ will\ not\ share\ your\ e-?mail\b.{0,80}
    # These begin sentences too: only what does not end like one goes.
    | (?: short\ link\s*:?.{0,80} | (?:read|see)\ also\s*:?.{0,120} | read\ more\s*(?::.{0,120})?
      | share\ (?:this|on|via)\b.{0,60} | (?:follow|like|join|find)\ us\ (?:on|at)\b.{0,80} | (?:click|tap)\ here\ to\b.{0,80}
      | join\ the\ conversation\b.{0,60} | trending\ (?:on|now)\b.{0,60} | (?:sign\ up|subscribe)\ (?:for|to|now|here|today)\b.{0,100}
      | all\ rights\ reserved | (?:copyright|©)\b.{0,120}
      | (?:(?:file\ )?photo(?:graph)?|image|picture|(?:photo\ |image\ )?credit|video|watch)(?:\ by\b|\s*:).{0,160}
      ) (?<![.!?"”’])
    """
)
# A caption names its source at its end: "(file)", "[Getty]", "/AP", "(file)Reuters". A sentence that has ended names none.
_AGENCY = r"(?:Reuters|AP|AFP|EPA|Getty(?: Images)?|Shutterstock|Alamy|PA|Bloomberg|Flickr|Wikimedia(?: Commons)?)"
_CAPTION = re.compile(
    rf"""(?x)
      .{{1,300}}(?<![.!?"”’])\ \[[A-Z][\w.&'/ -]{{1,60}}\]
    | .{{1,200}}(?<![.!?"”’])\ \(file(?:\ photo)?\)\s*(?:{_AGENCY})?
    | (?:[A-Z][\w.'’-]*\ ){{1,3}}[A-Z]?[\w.'’-]*\ ?/\ ?{_AGENCY}(?:/.{{1,40}})?
    """
)
# A newsletter form in the middle of an article: from its heading over short lines to the last one that only a form has.
_FORM_OPENS = re.compile(r"(?i)get .{1,60} in your inbox[!.]?")
_FORM_CLOSES = re.compile(
    r"(?i)you are now subscribed\b.*|we will not share your e-?mail.*|by (?:clicking|signing up|subscribing).*\byou agree\b.*"
)
_FORM_LINES, _FORM_LINE = 14, 120
_LIST_OPENS = re.compile(r"(?i)(?:related (?:stories|articles|topics|content)|most (?:read|popular|viewed)|read more)\s*:?")
_SENTENCE_END = re.compile(r"""[.!?:,;…]["'”’)\]]*$""")


def printable(text: str) -> str:
    """`text` with one kind of line end, and without control, invisible and direction-changing characters."""
    return _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))


def how_many(number: int, thing: str) -> str:
    """How many of a thing there are: "1 article", "2,225 articles"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def one_line(text: str) -> str:
    """`text` printable and on one line, for titles and names."""
    return " ".join(printable(text).split())


def clean(text: str, title: str = "") -> str:
    """The article text that every offset counts in: printable paragraphs without boilerplate lines or the repeated title."""
    lines = [line.rstrip() for line in printable(text).split("\n")]
    kept = [line for line in _without_furniture(lines) if not is_boilerplate(line) and (not title or line.strip() != title)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def is_boilerplate(line: str) -> bool:
    """Whether a line, as a whole, is page furniture or a picture's caption rather than article text."""
    line = line.strip()
    return bool(line) and bool(_BOILERPLATE.fullmatch(line) or _CAPTION.fullmatch(line))


def _without_furniture(lines: list[str]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        if _FORM_OPENS.fullmatch(lines[position].strip()):
            position = _form_end(lines, position)
        elif _LIST_OPENS.fullmatch(lines[position].strip()):
            position = _list_end(lines, position)
        else:
            yield lines[position]
        position += 1


def _list_end(lines: list[str], start: int) -> int:
    """The last of the headlines that follow "Related stories": short lines that do not end like a sentence."""
    end = start
    for position in range(start + 1, min(start + _FORM_LINES, len(lines))):
        line = lines[position].strip()
        if len(line) > _FORM_LINE or _SENTENCE_END.search(line):
            break
        end = position if line else end
    return end


def _form_end(lines: list[str], start: int) -> int:
    """The last line of the form that opens at `start`; a long line that no form has is an article's, and ends the search."""
    end = start
    for position in range(start + 1, min(start + _FORM_LINES, len(lines))):
        if _FORM_CLOSES.fullmatch(lines[position].strip()):
            end = position
        elif len(lines[position]) > _FORM_LINE:
            break
    return end


def markdown_to_text(source: str) -> tuple[str, str]:
    """CommonMark -> (the first top-level heading or "", the plain text of all the rest, a paragraph to each block)."""
    from markdown_it import MarkdownIt

    title, blocks, heading, number = "", [], False, ""
    for token in MarkdownIt().parse(source):
        if token.type == "heading_open":
            heading = token.tag == "h1" and not title
        elif token.type == "list_item_open":
            number = f"{token.info}{token.markup} " if token.info else ""  # 1986. It was ... is a list to CommonMark
        elif token.type == "inline" and heading:
            title, heading = _inline_text(token.children or []), False
        elif token.type == "inline":
            blocks.append(number + _inline_text(token.children or []))
            number = ""
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content.rstrip())
        elif token.type == "html_block":
            blocks.append(_TAG.sub(" ", token.content).strip())
    return title, "\n\n".join(filter(None, blocks))


# A comment that is never closed goes on to the end, as in a browser; looking for its end again and again would take for ever.
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<[^<>]*>", re.DOTALL)


def _inline_text(children: list[Token]) -> str:
    plain = {"softbreak": " ", "hardbreak": "\n", "html_inline": " "}
    return "".join(plain.get(child.type, child.content if child.type in ("text", "code_inline") else "") for child in children)
