from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.chunk import heading, indexed_text, passages
from index.records import Article
from index.sentences import sentences


def article(text: str, title: str = "") -> Article:
    return Article("id", title, text, "", "", "", "", "path", "")


def words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def texts(text: str, limit: int, head: str = "", overlap: int = 1) -> list[str]:
    return [text[one.start : one.end] for one in passages(article(text), head, words, limit, overlap)]


def test_sentences_are_packed_and_overlap_by_one() -> None:
    """Three words each, nine fit: three sentences a passage, the last of one opening the next."""
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve. Thirteen and on."
    assert texts(text, 9 + 3) == [
        "One two three. Four five six. Seven eight nine.",
        "Seven eight nine. Ten eleven twelve. Thirteen and on.",
    ]


def test_the_heading_takes_its_room() -> None:
    """Three words of heading leave six for sentences."""
    text = "One two three. Four five six. Seven eight nine."
    assert texts(text, 9 + 3, head="a b c") == ["One two three. Four five six.", "Four five six. Seven eight nine."]


def test_a_carried_sentence_that_leaves_no_room_is_dropped() -> None:
    """Two large sentences cannot share a passage, and none stands in two by itself."""
    text = "One two three four five. Six seven eight nine ten. Eleven."
    assert texts(text, 6 + 3) == ["One two three four five.", "Six seven eight nine ten. Eleven."]


def test_a_sentence_longer_than_a_passage_is_cut_between_words() -> None:
    """Nothing is lost, and no word is broken."""
    pieces = texts(" ".join(f"word{number}" for number in range(40)) + ".", 10 + 3, overlap=0)
    assert " ".join(pieces) == " ".join(f"word{number}" for number in range(40)) + "."
    assert max(words(pieces)) <= 10


def test_a_long_title_gives_way() -> None:
    """At most a quarter of the limit, in whole words."""
    assert heading("one two three four five six", words, 16) == "one two three four"
    assert indexed_text(article("It sank.", "Ferry"), passages(article("It sank."), "Ferry", words, 20)[0], "Ferry") == "Ferry\nIt sank."


@given(st.text(alphabet="ab .!\n", max_size=300), st.integers(5, 30), st.integers(0, 2))
def test_passages_hold_every_sentence_and_respect_the_limit(text: str, limit: int, overlap: int) -> None:
    """Whatever the text: in order, none within another, at most the limit, nothing but white space left out."""
    found = passages(article(text), "", words, limit, overlap)
    assert all(words([text[one.start : one.end]])[0] <= limit - 3 for one in found)
    assert [one.start for one in found] == sorted({one.start for one in found})
    assert [one.end for one in found] == sorted({one.end for one in found})
    covered = {at for one in found for at in range(one.start, one.end)}
    assert all(at in covered for start, end in sentences(text) for at in range(start, end) if not text[at].isspace())
