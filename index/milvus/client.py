"""The collections of an archive in Milvus: schema, calls, and errors that a user can mend. The only file that imports pymilvus."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar
from uuid import uuid4

from index.errors import ArchiveError, UsageError
from index.milvus.rows import BYTES, among

K1, B = 1.5, 0.75
# Rows that a call writes, or gives back; and the most that Milvus gives.
BATCH, MOST = 500, 16_384
# Seconds that a call may take, and after which one that only reads is made again.
_TIMEOUT, _CONNECT = 60.0, 10.0
_PAUSES = (0.2, 1.0)
# So often it is tried whether BM25 finds anything: another that makes the same archive may take the row away.
_PROBES = 5
TOKEN = "CLIPPINGS_MILVUS_TOKEN"  # noqa: S105 - the name of a variable

_ADDRESS = re.compile(r"(?P<scheme>milvus|https?)://(?P<host>[^/:@]+)(?::(?P<port>\d+))?/(?P<name>[A-Za-z_]\w*)/?", re.ASCII)
# As Milvus says it; "auth" alone may be of the name of a collection, or of an outlet in a filter.
_REFUSED = re.compile(r"auth check|unauthenticated|permission ?den|privilege|credential")
Row = dict[str, Any]
_Found = TypeVar("_Found")


class Client:
    """The collections PREFIX_articles, PREFIX_passages and PREFIX_notes at milvus://HOST:PORT/PREFIX, or https://HOST/PREFIX."""

    def __init__(self, address: str) -> None:
        """A UsageError where the address is none; nothing is connected before the first call."""
        self.address = address
        found = _ADDRESS.fullmatch(address)
        if not found:
            raise UsageError(f"--archive {address}: give milvus://HOST:PORT/COLLECTION, the name in letters, digits and _")
        self._prefix = found["name"]
        scheme = "https" if found["scheme"] == "https" else "http"
        self._uri = f"{scheme}://{found['host']}:{found['port'] or (443 if scheme == 'https' else 19530)}"

    @cached_property
    def _milvus(self) -> Any:
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise UsageError(f"--archive {self.address}: it needs pymilvus: pip install 'clippings[milvus]'") from error
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback of every call that is refused
        return self._told(lambda: MilvusClient(uri=self._uri, token=os.environ.get(TOKEN, ""), timeout=_CONNECT))

    def _told(self, call: Callable[[], _Found]) -> _Found:
        """What a call gives; an ArchiveError says in a line what Milvus says."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            return call()
        except (MilvusException, RpcError) as error:
            raise ArchiveError(f"{self.address}: {_reason(error)}") from error

    def _reads(self, name: str, *arguments: Any, **options: Any) -> Any:
        """A call that only reads."""
        return self._again(lambda: getattr(self._milvus, name)(*arguments, timeout=_TIMEOUT, **options))

    def _again(self, call: Callable[[], _Found]) -> _Found:
        """What a call gives that is made again where it fails, for a server may be starting, or moving what it holds."""
        for pause in _PAUSES:
            try:
                return self._told(call)
            except ArchiveError:
                time.sleep(pause)
        return self._told(call)

    def _name(self, kind: str) -> str:
        return f"{self._prefix}_{kind}"

    @property
    def exists(self) -> bool:
        """Whether all collections are there; the notes are made last."""
        return bool(self._reads("has_collection", self._name("notes")))

    def load(self) -> None:
        """Make the collections ready to be searched."""
        for kind in _SCHEMAS:
            self._reads("load_collection", self._name(kind))

    def create(self, dimension: int) -> None:
        """Make those collections that are missing."""
        from pymilvus import MilvusClient

        for kind, schema in _SCHEMAS.items():
            name, index = self._name(kind), MilvusClient.prepare_index_params()
            fields = schema(dimension, index)
            make = partial(self._milvus.create_collection, name, schema=fields, num_shards=1, consistency_level="Strong")
            self._make(make, "has_collection", name)
            self._make(partial(self._milvus.create_index, name, index, sync=False), "list_indexes", name)  # sync sleeps 0.5 s an index
            self._reads("load_collection", name)
            if kind == "passages":
                self._probe(dimension)

    def _make(self, make: Callable[[], object], asks: str, name: str) -> None:
        """Make what is missing, unless another process does so at the same moment."""
        if not self._reads(asks, name):
            try:
                self._told(make)
            except ArchiveError:
                if not self._reads(asks, name):
                    raise

    def _probe(self, dimension: int) -> None:
        """An ArchiveError where BM25 finds nothing: a server that is too old takes the schema, and forgets that part of it."""
        spans = {"article_id": "", "version": "", "start": 0, "end": 0, "outlet": "", "day": 0}
        probe = uuid4().hex
        for _ in range(_PROBES):
            self.upsert("passages", [{"id": probe, "terms": probe, "dense": [0.0] * dimension, **spans}])
            found = self.nearest("passages", "sparse", probe, 1, "", [])
            self.delete("passages", "article_id", [""])  # those of others too, of which one may have been killed here
            if found:
                return
        raise ArchiveError(f"{self.address}: this Milvus is too old for BM25: 2.5 or newer is needed")

    def upsert(self, kind: str, rows: Sequence[Row]) -> None:
        """Write rows, instead of what has their ids."""
        for start in range(0, len(rows), BATCH):
            batch = list(rows[start : start + BATCH])
            self._told(lambda: self._milvus.upsert(self._name(kind), batch, timeout=_TIMEOUT))  # noqa: B023 - called at once

    def delete(self, kind: str, field: str, values: Sequence[str]) -> None:
        """Take out the rows of which a field is one of some values."""
        for start in range(0, len(values), BATCH):
            where = among(field, values[start : start + BATCH])
            self._told(lambda: self._milvus.delete(self._name(kind), filter=where, timeout=_TIMEOUT))  # noqa: B023 - called at once

    def count(self, kind: str, where: str = "") -> int:
        """How many rows pass a filter."""
        return int(self._reads("query", self._name(kind), filter=where, output_fields=["count(*)"])[0]["count(*)"])

    def some(self, kind: str, where: str, fields: Sequence[str], limit: int = MOST) -> list[Row]:
        """Rows that pass a filter, at most 16,384."""
        return list(self._reads("query", self._name(kind), filter=where, output_fields=list(fields), limit=limit))

    def all(self, kind: str, where: str, fields: Sequence[str]) -> Iterator[Row]:
        """All rows that pass a filter, however many, page by page."""
        pages = self._reads("query_iterator", self._name(kind), batch_size=1000, filter=where, output_fields=list(fields))
        while page := self._again(pages.next):
            yield from page
        pages.close()

    def nearest(self, kind: str, field: str, query: Any, k: int, where: str, fields: Iterable[str]) -> list[Row]:
        """The `k` nearest rows that pass a filter, each with its "score"; ids and some fields."""
        return self.each(kind, field, [query], k, fields, where)[0]

    def each(self, kind: str, field: str, queries: list[Any], k: int, fields: Iterable[str], where: str = "") -> list[list[Row]]:
        """The same for several queries at once."""
        found = self._reads("search", self._name(kind), queries, anns_field=field, limit=k, filter=where, output_fields=list(fields))
        return [[{"id": hit["id"], "score": hit["distance"], **hit["entity"]} for hit in hits] for hits in found]


def _reason(error: Any) -> str:
    """What went wrong, and what to do."""
    said = " ".join(str(getattr(error, "message", "") or error).split())
    lower = said.lower()
    if "unavailable" in lower or "failed to connect" in lower or "connection refused" in lower or "illegal connection" in lower:
        return "no Milvus answers there: start it, or name another archive with --archive; what was kept stays"
    if _REFUSED.search(lower):
        return f"Milvus does not let us in ({said[:200]}): set {TOKEN}"
    if "deadline" in lower or "timeout" in lower:
        return f"Milvus did not answer in {_TIMEOUT:.0f} s: try again; what was kept stays"
    return f"Milvus says: {said[:300]}; what was kept stays"


def _fields() -> Any:
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    return schema


def _ranked(schema: Any, index: Any, names: Sequence[str]) -> Any:
    """With BM25 over the field "terms", which Milvus parts at blanks alone, filters by day and outlet, and some more texts."""
    from pymilvus import DataType, Function, FunctionType

    for name in names:
        schema.add_field(name, DataType.VARCHAR, max_length=BYTES)
    schema.add_field("outlet", DataType.VARCHAR, max_length=BYTES)
    schema.add_field("day", DataType.INT64)
    schema.add_field("terms", DataType.VARCHAR, max_length=BYTES, enable_analyzer=True, analyzer_params={"tokenizer": "whitespace"})
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(Function(name="bm25", function_type=FunctionType.BM25, input_field_names=["terms"], output_field_names=["sparse"]))
    index.add_index("outlet", index_type="INVERTED")
    index.add_index("day", index_type="INVERTED")
    index.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params={"params": {"bm25_k1": K1, "bm25_b": B}})
    return schema


def _articles(_: int, index: Any) -> Any:
    from pymilvus import DataType

    schema = _ranked(_fields(), index, ["title", "source", "url", "published", "language", "path", "sha256", "digest"])
    schema.add_field("text", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=4096, max_length=BYTES)
    schema.add_field("passages", DataType.INT64)
    schema.add_field("moment", DataType.FLOAT_VECTOR, dim=2)
    index.add_index("moment", index_type="FLAT", metric_type="IP")
    return schema


def _passages(dimension: int, index: Any) -> Any:
    from pymilvus import DataType

    schema = _ranked(_fields(), index, ["article_id", "version"])
    schema.add_field("start", DataType.INT64)
    schema.add_field("end", DataType.INT64)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
    index.add_index("article_id", index_type="INVERTED")
    index.add_index("dense", index_type="AUTOINDEX", metric_type="IP")
    return schema


def _notes(_: int, index: Any) -> Any:
    """Milvus wants a vector in every collection; this one has no meaning."""
    from pymilvus import DataType

    schema = _fields()
    for name in ("kind", "name", "value"):
        schema.add_field(name, DataType.VARCHAR, max_length=BYTES)
    schema.add_field("none", DataType.FLOAT_VECTOR, dim=2)
    index.add_index("none", index_type="FLAT", metric_type="IP")
    return schema


_SCHEMAS = {"articles": _articles, "passages": _passages, "notes": _notes}
