"""A span of an article -> a link to the live page that scrolls to it and marks it. Pure.

The text directive is that of https://wicg.github.io/scroll-to-text-fragment: `#:~:text=prefix-,start,end`. A browser takes the first
place that fits, white space and case aside. Its `start` alone is looked for within one paragraph; `start,end` may span several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

# Characters that are looked for as a whole; what Chrome's own links to a selection do.
_WHOLE = 300
_FEW = 4
_CONTEXTS = (3, 6, 12)
# Signs that no address may have, and that would end one in Markdown or in a terminal.
_UNSAFE = re.compile(r"""[\s<>"`{}|\\^]""")


def link(url: str, text: str, start: int, end: int) -> str:
    """`url` with a text directive for `text[start:end]`, in place of one that it has; "" where there is no address."""
    if not url:
        return ""
    page, _, fragment = url.partition("#")
    return f"{address(page)}#{address(fragment.partition(':~:')[0])}:~:text={directive(text, start, end)}"


def address(url: str) -> str:
    """`url` without signs that would end it in running text: they are percent-encoded."""
    return _UNSAFE.sub(lambda sign: quote(sign[0]), url)


def directive(text: str, start: int, end: int) -> str:
    """What finds `text[start:end]` on a page: the whole of a short sentence, the first and last words of a long or broken one.

    Words before it go ahead where what is looked for stands earlier in the article too.
    """
    words, before = text[start:end].split(), text[:start].split()
    broken = "\n" in text[start:end].strip()
    if (broken or len(" ".join(words)) > _WHOLE) and len(words) >= 2 * _FEW:
        parts = [" ".join(words[:_FEW]), _tail(words)]
    else:
        parts = [" ".join(words)]
    context = _context(before, words, parts[0])
    return ",".join([f"{_encoded(context)}-"] * bool(context) + [_encoded(part) for part in parts])


def _tail(words: Sequence[str]) -> str:
    """The last words, as many as it takes for them to be the first of their kind after the first words."""
    rest = _folded(words[_FEW:])
    for count in range(_FEW, len(words) - _FEW):
        tail = words[-count:]
        if rest.find(_folded(tail)) == len(rest) - len(_folded(tail)):
            return " ".join(tail)
    return " ".join(words[_FEW:])


def _context(before: Sequence[str], words: Sequence[str], first: str) -> str:
    """Words before that make the sentence the first place that fits; none where it is that anyhow."""
    page, place = _folded([*before, *words]), len(_folded(before)) + bool(before)
    contexts = [" ".join(before[-count:]) for count in _CONTEXTS]
    for context in ("", *contexts):
        wanted = f"{context} {first}".strip().casefold()
        if page.find(wanted) + len(wanted) == place + len(first.casefold()):
            return context
    return contexts[-1]


def _folded(words: Sequence[str]) -> str:
    return " ".join(words).casefold()


def _encoded(part: str) -> str:
    """Percent-encoded, and so is the hyphen, which marks a context."""
    return quote(part, safe="", errors="replace").replace("-", "%2D")
