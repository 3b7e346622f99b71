"""What is written down of an archive in Milvus: its articles, and the notes about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import astuple, fields
from typing import Any

from index.errors import ArticleError, CorruptError
from index.listing import Listed, folded
from index.milvus import rows
from index.milvus.client import Client, Row
from index.records import Article, Filters, Passage
from index.store import archive_digest

_FIELDS = [field.name for field in fields(Article)]
# As index.listing.ORDERS: keys of rows, the first decides, and whether they fall.
_BY_ID: tuple[Callable[[Row], Any], bool] = (lambda row: row["id"]), False
_NEWEST: tuple[Callable[[Row], Any], bool] = (lambda row: row["published"]), True
_ORDERS = {
    "newest": [_NEWEST, _BY_ID],
    "oldest": [((lambda row: (row["published"] == "", row["published"])), False), _BY_ID],
    "title": [((lambda row: folded(row["title"]).lstrip(" '\"“‘«„([")), False), _BY_ID],
    "outlet": [((lambda row: (row["source"] == "", folded(row["source"]))), False), _NEWEST, _BY_ID],
}

# The notes of articles that are being written, or taken out.
BEGUN = "begun"
# So often, a tenth of a second apart, it is looked for what made an archive.
_LOOKS = 20


class MilvusCatalogue:
    """A `Catalogue` of what is in Milvus now. Articles that were read are kept, so that what was found is read in the same version."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._read: dict[str, tuple[Article, str]] = {}

    def fingerprint(self) -> dict[str, Any]:
        """The model and the versions that made the archive; nothing where no archive was made.

        Whoever makes one notes it, several at once too, and a note that is written again is gone for a moment.
        """
        for _ in range(_LOOKS):
            if found := self.noted("fingerprint"):
                return dict(found[""])
            time.sleep(0.1)
        return {}

    def noted(self, kind: str) -> dict[str, Any]:
        """name -> value of the notes of a kind, by name."""
        found = self.client.all("notes", f"kind == {json.dumps(kind)}", ["name", "value"])
        return {row["name"]: json.loads(row["value"]) for row in sorted(found, key=lambda row: str(row["name"]))}

    def census(self) -> dict[str, Any]:
        """Counts and ranges, as they are now."""
        newest, oldest = self._by_date(1, 1), self._by_date(-1, 1)
        return {
            "articles": self.client.count("articles"),
            "passages": self.client.count("passages"),
            "outlets": len(self.outlets),
            "first_date": rows.iso(oldest[0]["day"]) if oldest else "",
            "last_date": rows.iso(newest[0]["day"]) if newest else "",
        }

    def _by_date(self, sign: int, count: int) -> list[dict[str, Any]]:
        """The newest dated articles, or with -1 the oldest. Milvus orders by distance alone: so a date is a vector, too."""
        return self.client.nearest("articles", "moment", [float(sign), 0.0], count, "day > 0", ["day", "path"])

    @property
    def outlets(self) -> list[str]:
        """The names of the outlets, each once."""
        return list(self.noted("outlet"))

    def digest(self) -> str:
        """Of the model, the versions, and the bytes of every article."""
        return archive_digest(self.fingerprint(), [sha256 for _, sha256 in self.known().values()])

    def recall(self) -> float | None:
        """Not measured: the index is Milvus' own choice."""
        return None

    def known(self) -> dict[str, tuple[str, str]]:
        """path -> (article id, SHA-256 of its bytes); "" for one that was not written, or taken out, to the end."""
        begun = self.noted(BEGUN)
        found = self.client.all("articles", "", ["id", "path", "sha256"])
        return {row["path"]: (row["id"], "" if row["id"] in begun else row["sha256"]) for row in found}

    def article(self, article_id: str) -> Article | None:
        """An article, its digest checked; None where there is no such id."""
        self.fetch([article_id])
        found = self._read.get(article_id)
        return found[0] if found else None

    def fetch(self, article_ids: Collection[str]) -> dict[str, str]:
        """Read some articles at once; id -> version, of those that there are."""
        missing = [one for one in dict.fromkeys(article_ids) if one not in self._read]
        for row in self.client.some("articles", rows.among("id", missing), [*_FIELDS, "digest"]) if missing else ():
            self._read[row["id"]] = _article(row), row["digest"]
        return {one: self._read[one][1] for one in article_ids if one in self._read}

    def forget(self, article_ids: Collection[str]) -> None:
        """Read some articles anew when they are asked for again."""
        for article_id in article_ids:
            self._read.pop(article_id, None)

    def articles(self) -> Iterator[Article]:
        """All articles, by path."""
        for _, (article_id, _) in sorted(self.known().items()):
            if article := self.article(article_id):
                yield article
            self.forget([article_id])

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order."""
        found = self.client.all("passages", rows.among("article_id", [article_id]), ["start", "end"])
        return sorted((Passage(article_id, row["start"], row["end"]) for row in found), key=lambda one: one.start)

    def listed(self, words: str, filters: Filters, order: str, first: int, count: int) -> Listed:
        """`count` articles from the `first` on. Milvus neither sorts nor folds: titles of all articles that pass the filters come here."""
        fields = ["id", "title", "source", "published"]
        asked = folded(words).split()
        found = [
            row
            for row in self.client.all("articles", rows.within(filters), fields)
            if all(word in folded(f"{row['title']} {row['source']}") for word in asked)
        ]
        for key, falling in reversed(_ORDERS[order]):
            found.sort(key=key, reverse=falling)
        ids = [row["id"] for row in found[first : first + count]]
        self.fetch(ids)
        return Listed([article for one in ids if (article := self.article(one))], first, len(found))

    def changed(self) -> float:
        """When something was last written, in seconds since 1970."""
        return float(self.noted("changed").get("", 0))

    def newest(self, count: int) -> list[Article]:
        """The newest articles, undated ones last."""
        found = sorted(self._by_date(1, count), key=lambda row: (-row["day"], row["path"]))
        if len(found) < count:
            undated = self.client.some("articles", "day == 0", ["id", "path"], count - len(found))
            found += sorted(undated, key=lambda row: str(row["path"]))
        self.fetch([row["id"] for row in found])
        return [article for row in found if (article := self.article(row["id"]))]

    def places(self) -> dict[str, bool]:
        """What was given to add, True, and what below it was taken out again, False."""
        return self.noted("place")

    def failed(self) -> dict[str, ArticleError]:
        """path -> what could not be taken there, and why."""
        return {path: ArticleError(path, *value) for path, value in self.noted("failed").items()}

    def flaws(self) -> dict[str, str]:
        """article id -> what is wrong with the article, or with its passages, in a line."""
        found, counts, versions = {}, dict[str, int](), dict[str, tuple[str, int]]()
        begun = self.noted(BEGUN)
        for row in self.client.all("articles", "", [*_FIELDS, "digest", "passages"]):
            versions[row["id"]] = row["digest"], row["passages"]
            try:
                _article(row)
            except CorruptError as error:
                found[row["id"]] = str(error)
            if row["id"] in begun:
                found[row["id"]] = f"article {row['id']} was not written to its end ({row['path']}): add it again"
        for row in self.client.all("passages", "", ["id", "article_id", "start", "end", "version"]):
            article_id, passage = row["article_id"], Passage(row["article_id"], row["start"], row["end"])
            counts[article_id] = counts.get(article_id, 0) + 1
            if article_id not in versions:
                found[article_id] = f"passages of article {article_id}, which is not there"
            elif row["id"] != rows.row_id(passage, versions[article_id][0]):
                found.setdefault(article_id, f"article {article_id} has a passage that is not what was written")
        for article_id, (_, passages) in versions.items():
            if counts.get(article_id, 0) != passages:
                found.setdefault(article_id, f"article {article_id} has {counts.get(article_id, 0)} of its {passages} passages")
        return found


def _article(row: Mapping[str, Any]) -> Article:
    article = Article(**{name: "".join(row[name]) if name == "text" else row[name] for name in _FIELDS})
    if rows.digest(*astuple(article)) != row["digest"]:
        raise CorruptError(f"article {article.id} is not what was written; 'clippings check --repair' mends what can be")
    return article
