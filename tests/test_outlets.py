"""Outlets as the source of what is asked; and names that are no source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.outlets import read

OUTLETS = [
    "Estuary Courier",
    "Valley Herald",
    "The Halyard Post",
    "Meridian Post",
    "Northwire",
    "Ledger & Exchange",
    "Time",
    "The Week",
    "",
    "&",
]


@pytest.mark.parametrize(
    ("message", "words", "names"),
    [
        ("according to the Courier, how many", "according to the Courier", ["Estuary Courier"]),
        ("how many, according to the estuary courier?", "according to the estuary courier", ["Estuary Courier"]),
        ("according to the courier, how many", "according to the courier", ["Estuary Courier"]),
        ("as reported by northwire", "reported by northwire", ["Northwire"]),
        ("did the Herald report a flood", "did the Herald report", ["Valley Herald"]),
        ("what did northwire first say of it", "did northwire first say", ["Northwire"]),
        ("what was in the Valley Herald", "in the Valley Herald", ["Valley Herald"]),
        ("what was in the Herald", "in the Herald", ["Valley Herald"]),
        ("show the valley herald's coverage of it", "the valley herald's coverage", ["Valley Herald"]),
        ("Northwire reported nine dead, who else", "Northwire reported", ["Northwire"]),
        ("what did the ledger and exchange write", "did the ledger and exchange write", ["Ledger & Exchange"]),
        ("according to the Post", "according to the Post", ["Meridian Post", "The Halyard Post"]),
        ("according to the halyard post", "according to the halyard post", ["The Halyard Post"]),
        ("according to the week, how many", "according to the week", ["The Week"]),
        ("according to The Week nine", "according to The Week", ["The Week"]),
        ("what did the week say", "did the week say", ["The Week"]),
        ("what did Week report", "did Week report", ["The Week"]),
        ("according to northwire and the week", "according to northwire and the week", ["Northwire", "The Week"]),
        ("articles in Time about it", "articles in Time", ["Time"]),
        ("according to Northwire and the Herald", "according to Northwire and the Herald", ["Northwire", "Valley Herald"]),
    ],
)
def test_a_source_is_read(message: str, words: str, names: list[str]) -> None:
    """In full or shortened, with the words that make it one; where several end so, each is meant."""
    (source,) = read(message, OUTLETS)
    assert (message[source.start : source.end], sorted(source.names)) == (words, names)


@pytest.mark.parametrize(
    "message",
    [
        "what did she tell the Estuary Courier", "who spoke to the estuary courier", "who owns the Valley Herald",
        "when did Northwire close",
        "what did the editor of the Valley Herald say", "who at the Courier said so", "was it in time", "what came in the post",
        "did the post say when it comes", "did the courier arrive", "according to Reuters", "the BBC Post article",
        "in the Herald's view", "shares in the Valley Herald", "according to the police",
        "according to Northwire, what did she tell the Estuary Courier",
        "according to week after week", "stories of the week", "biggest stories from the week", "reported in the week", "seen in time",
        "coverage of herald", "according to herald", "according to the week before", "according to time keepers",
        "did the week report rise", "according to the Herald Institute", "in the Valley Herald Building", "the week reports",
        "what was stolen in the Valley Herald robbery", "how many were hit in the Estuary Courier breach",
    ],
)  # fmt: skip
def test_what_is_no_source(message: str) -> None:
    """It is spoken to or asked about, an ordinary word, not the archive's, or one of two that could be meant."""
    assert read(message, OUTLETS) == []


def test_an_ordinary_word_joins_no_source() -> None:
    """Behind "and" it is as little one as anywhere."""
    (source,) = read("according to Northwire and time keepers", OUTLETS)
    assert source.names == ("Northwire",)


@given(
    message=st.lists(
        st.sampled_from("according to the in post Time Northwire , and 's did say & valley Herald reported".split()), max_size=9
    ).map(" ".join)
    | st.text(max_size=60),
    outlets=st.lists(st.text(max_size=12) | st.sampled_from(OUTLETS), max_size=5),
)
def test_no_message_breaks_it(message: str, outlets: list[str]) -> None:
    """Whatever is typed, and whatever outlets are called."""
    for source in read(message, outlets):
        assert 0 <= source.start < source.end <= len(message)
        assert set(source.names) <= set(outlets)
