"""What made an archive: its model, and the versions of all that shapes its passages and tokens. Another one is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from index import articles, bm25, chunk
from index.encoder import Encoder
from index.errors import MismatchError
from index.store import FORMAT

VERSIONS = [FORMAT, articles.VERSION, chunk.VERSION, chunk.SIZE, bm25.VERSION]
_PARTS = ("format", "readers", "splitter", "passage size", "tokens")

Fingerprint = dict[str, Any]


def of(encoder: Encoder) -> Fingerprint:
    """That of an archive made now with an encoder."""
    return {"model": encoder.name, "weights": encoder.digest, "versions": VERSIONS}


def check(path: Path | str, encoder: Encoder, made: Fingerprint) -> None:
    """A MismatchError where an encoder, or a version of this program, did not make the archive at `path`."""
    if encoder.digest != made["weights"]:
        raise MismatchError(
            f"{path} was made with model {made['model']} ({made['weights'][:8]}), not {encoder.name} ({encoder.digest[:8]}): "
            "leave --model and CLIPPINGS_MODEL out, or add to another folder with --archive"
        )
    check_versions(path, made)


def check_versions(path: Path | str, made: Fingerprint) -> None:
    """A MismatchError where a version of this program did not make the archive."""
    parts = zip(_PARTS, made["versions"], VERSIONS, strict=False)
    if changed := ", ".join(f"{part} {then}, now {now}" for part, then, now in parts if then != now):
        raise MismatchError(f"{path} was made by another version of this program ({changed}): delete it and add its articles again")
