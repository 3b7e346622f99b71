"""What a user would pick instead, over the same passages, vectors and questions, each in a process of its own.

`python eval/peers.py NAME FOLDER` prints its figures as JSON. It stands alone, so that an environment that has the library is all that
it needs. FOLDER has passages.jsonl ({"text", "tokens"}), vectors.npy, questions.jsonl ({"text", "tokens"}) and questions.npy.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np


class Data:
    """What a folder holds; only what a peer asks for is read, for its memory is measured."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _column(self, name: str) -> list[Any]:
        with (self._folder / "passages.jsonl").open(encoding="utf-8") as lines:
            return [json.loads(line)[name] for line in lines]

    @property
    def texts(self) -> list[str]:
        """Of the passages."""
        return self._column("text")

    @property
    def tokens(self) -> list[list[str]]:
        """Of the passages, as this project's BM25 has them."""
        return self._column("tokens")

    @property
    def vectors(self) -> Any:
        """float32[passages, d], of length 1."""
        return np.load(self._folder / "vectors.npy")

    @property
    def questions(self) -> list[tuple[dict[str, Any], Any]]:
        """Text and tokens of each, and its vector."""
        lines = (self._folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        return list(zip(map(json.loads, lines), np.load(self._folder / "questions.npy"), strict=True))


# A question, as text and tokens, and its vector -> the first ten rows.
Search = Callable[[dict[str, Any], Any], Any]
K = 10
# Questions are asked until so many seconds are over, twice at least: a slow peer would take hours.
_SECONDS = 30


def rank_bm25(data: Data) -> Search:
    """Its own scores over the same tokens, and the ten best."""
    from rank_bm25 import BM25Okapi

    found = BM25Okapi(data.tokens)
    return lambda question, _: np.argpartition(-found.get_scores(question["tokens"]), K)[:K]


def bm25s(data: Data) -> Search:
    """Over the same tokens, with its default backend."""
    import bm25s

    found = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    found.index(data.tokens, show_progress=False)
    return lambda question, _: found.retrieve([question["tokens"]], k=K, show_progress=False, n_threads=1)


def faiss_flat(data: Data) -> Search:
    """An exact inner-product index in memory."""
    import faiss

    vectors = data.vectors
    found = faiss.IndexFlatIP(vectors.shape[1])
    found.add(vectors)
    return lambda _, vector: found.search(vector.reshape(1, -1), K)


def haystack(data: Data) -> Search:
    """In-memory store, BM25 and embedding retrievers, joined by reciprocal rank."""
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    rows = zip(data.texts, data.vectors.tolist(), strict=True)
    store.write_documents([Document(id=str(row), content=text, embedding=vector) for row, (text, vector) in enumerate(rows)])
    words = InMemoryBM25Retriever(document_store=store, top_k=K)
    meaning = InMemoryEmbeddingRetriever(document_store=store, top_k=K)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=K)

    def search(question: dict[str, Any], vector: Any) -> Any:
        both = words.run(query=question["text"])["documents"], meaning.run(query_embedding=vector.tolist())["documents"]
        return joiner.run(documents=list(both))["documents"]

    return search


def llamaindex(data: Data) -> Search:
    """In-memory vector store and its BM25 retriever, fused by reciprocal rank."""
    from llama_index.core import MockEmbedding, VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import QueryBundle, TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    rows = zip(data.texts, data.vectors.tolist(), strict=True)
    nodes = [TextNode(id_=str(row), text=text, embedding=vector) for row, (text, vector) in enumerate(rows)]
    model = MockEmbedding(embed_dim=len(nodes[0].embedding or ()))
    legs = [
        VectorStoreIndex(nodes, embed_model=model).as_retriever(similarity_top_k=K),
        BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=K),
    ]
    fusion = QueryFusionRetriever(legs, num_queries=1, similarity_top_k=K, mode="reciprocal_rerank", use_async=False, llm=MockLLM())
    return lambda question, vector: fusion.retrieve(QueryBundle(question["text"], embedding=vector.tolist()))


def txtai(data: Data) -> Search:
    """Its hybrid index, over vectors that are given."""
    from txtai import Embeddings

    given = iter(data.vectors)
    found = Embeddings(hybrid=True, content=False, method="external", transform=lambda texts: np.array([next(given) for _ in texts]))
    found.index((row, text, None) for row, text in enumerate(data.texts))

    def search(question: dict[str, Any], vector: Any) -> Any:
        nonlocal given
        given = iter([vector])
        return found.search(question["text"], K)

    return search


def plain_embedding(model: Path) -> Callable[[list[str]], Any]:
    """sentence-transformers as it comes, in float32."""
    from sentence_transformers import SentenceTransformer

    found = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    return lambda texts: found.encode(texts, normalize_embeddings=True, show_progress_bar=False)


PEERS = {peer.__name__: peer for peer in (rank_bm25, bm25s, faiss_flat, haystack, llamaindex, txtai)}


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Seconds to build, milliseconds a question, and the most memory in megabytes."""
    data = Data(folder)
    start = perf_counter()
    search = PEERS[name](data)
    built = perf_counter() - start
    questions = data.questions
    search(*questions[0])  # what is made with the first question is no part of the others' time
    times: list[float] = []
    for question, vector in questions:
        if len(times) > 1 and sum(times) > _SECONDS:
            break
        before = perf_counter()
        search(question, vector)
        times.append(perf_counter() - before)
    return {"build_s": built, **milliseconds(times), "memory_mb": memory()}


def memory() -> float:
    """The most megabytes that this process had resident: of its own, for what getrusage counts can be its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1024


def milliseconds(times: list[float]) -> dict[str, float]:
    """The middle and the slow end of some times in seconds, and how many there were."""
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50_ms": float(p50) * 1e3, "p95_ms": float(p95) * 1e3, "questions": len(times)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))) + "\n")
