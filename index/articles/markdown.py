"""Markdown -> its first heading and its text. Runs in the child process: 2 MB of one-letter lines take markdown-it 20 s."""

from __future__ import annotations

from index.clean import markdown_to_text


def read(data: bytes) -> dict[str, str]:
    """The title (or "") and the text of CommonMark in UTF-8."""
    title, text = markdown_to_text(data.decode())
    return {"title": title, "text": text}
