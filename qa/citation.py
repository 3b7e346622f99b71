"""Citation: a quote that is a slice of its article, by construction; where else it is printed; and what names and ties it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any

from index.records import Article, Why
from index.sentences import around
from qa import fragment
from qa.said import Speech


def digest(text: str, start: int, end: int, sha256: str, named: str) -> str:
    """What ties a quote to its span, its article's bytes and what it is said to be from: "v3-" and 16 digits of the SHA-256 of
    "ARTICLE'S SHA-256:START-END\\nNAMED\\nTEXT".

    NAMED is outlet, title and date: the words in their order, then what has a digit, sorted, since a spreadsheet writes 14/03/2017 for
    2017-03-14. It shows a slip or an edit, not a forger. No spreadsheet takes it for a number.
    """
    words = re.findall(r"\w+", named.casefold())
    numbers = sorted(word.lstrip("0") for word in words if re.search(r"\d", word))
    named = " ".join([*(word for word in words if not re.search(r"\d", word)), *numbers])
    whole = f"{sha256}:{start}-{end}\n{named}\n{text}".encode("utf-8", "surrogatepass")
    return f"v3-{hashlib.sha256(whole).hexdigest()[:16]}"


def label(article: Article) -> str:
    """What a quote of an article is said to be from, for its digest."""
    return f"{article.source} {article.title} {article.published}"


@dataclass(frozen=True, slots=True)
class Copy:
    """Where another article prints what a quote says: `article.text[start:end]`."""

    article: Article
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= len(self.article.text):
            raise ValueError(f"no characters {self.start} to {self.end} in article {self.article.id}")

    @property
    def quote(self) -> str:
        """The sentence there, verbatim."""
        return self.article.text[self.start : self.end]

    @property
    def id(self) -> str:
        """A name for the span, as a citation has one."""
        return span_id(self.article, self.start, self.end)


def version(article: Article) -> str:
    """A name for an article as it is now: its id and the beginning of its digest."""
    return f"{article.id}.{article.sha256[:8]}"


def span_id(article: Article, start: int, end: int) -> str:
    """A name for `article.text[start:end]` that links can carry."""
    return f"{version(article)}:{start}-{end}"


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered quote, with why it was found. It cannot be made unless the quote is a slice of its article.

    `also` are the other articles that print it, by date. `speech` is who says it, where that was asked, as slices of the article.
    """

    number: int
    article: Article
    start: int
    end: int
    quote: str
    why: Why
    also: tuple[Copy, ...] = ()
    speech: Speech | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.start < self.end <= len(self.article.text) and self.article.text[self.start : self.end] == self.quote):
            raise ValueError(f"not what characters {self.start} to {self.end} of article {self.article.id} say: {self.quote!r}")

    @property
    def speaker(self) -> str:
        """Who says it, as the quote names them, or for "he said" the sentence before; "" where not asked or not sure."""
        return self.article.text[slice(*self.speech.speaker)] if self.speech else ""

    @property
    def verb(self) -> str:
        """How it is said: the speech verb of the quote, or ""."""
        return self.article.text[slice(*self.speech.verb)] if self.speech else ""

    @property
    def outlets(self) -> tuple[str, ...]:
        """The other outlets that print it, each once; those of no name count by article."""
        names = {copy.article.source.casefold() or copy.article.id: copy.article.source for copy in self.also}
        names.pop(self.article.source.casefold(), None)
        return tuple(names.values())

    @property
    def earliest(self) -> Article | None:
        """Of the article and those that print the same, the one published first; None where that is not known, or there is one only."""
        dated = [article for article in (self.article, *(copy.article for copy in self.also)) if article.published]
        first = min((article.published for article in dated), default="")
        firsts = [article for article in dated if article.published == first]
        return firsts[0] if self.also and len(firsts) == 1 and len(dated) == 1 + len(self.also) else None

    @property
    def id(self) -> str:
        """A name for the quoted span that links can carry: the article, the version of it, start and end."""
        return span_id(self.article, self.start, self.end)

    @property
    def link(self) -> str:
        """The live page, scrolled to the quote; "" where the article has no address."""
        return fragment.link(self.article.url, self.article.text, self.start, self.end)

    @property
    def digest(self) -> str:
        """What `verify` knows the quote by."""
        article = self.article
        return digest(self.quote, self.start, self.end, article.sha256, label(article))

    def as_dict(self) -> dict[str, Any]:
        """The citation for JSON; `before` and `after` are the sentences beside it, `why` is the ranks of its passage and its words."""
        article = self.article
        before, after = around(article.text, self.start, self.end)
        return {
            "text": self.quote,
            "article": article.id,
            "path": article.path,
            "start": self.start,
            "end": self.end,
            "title": article.title,
            "outlet": article.source,
            "date": article.published,
            "url": article.url,
            "sha256": article.sha256,
            "link": self.link,
            "digest": self.digest,
            "before": before,
            "after": after,
            "why": {**asdict(self.why), "terms": list(self.why.terms)},
            "speaker": self.speaker,
            "verb": self.verb,
            "also": [_copy_as_dict(copy, self.earliest) for copy in self.also],
        }


def _copy_as_dict(copy: Copy, earliest: Article | None) -> dict[str, Any]:
    article = copy.article
    return {
        "text": copy.quote,
        "article": article.id,
        "path": article.path,
        "start": copy.start,
        "end": copy.end,
        "outlet": article.source,
        "date": article.published,
        "earliest": article is earliest,
    }
