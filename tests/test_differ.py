"""Figures and denials: what two sentences differ in, and what only looks like it. More pairs stand in eval/differ.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.differ import differ
from qa.figures import figures, is_asked_for, same_value


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Nine people died and 17 were missing.", [(9, "", "dead"), (17, "", "missing")]),
        ("The blast killed 1,200 people and injured twenty-three.", [(1200, "", "dead"), (23, "", "hurt")]),
        ("The toll rose from 21 to 23.", [(23, "", "dead")]),
        ("Police said that 21 people had died, not 23.", [(21, "", "dead")]),
        ("The bill for the stadium is 1.5 million crowns.", [(1_500_000, "crown", "cost")]),
        ("The fine of £2.4m stands.", [(2_400_000, "pound", "fine")]),
        ("The council voted by 21 to 12.", [((21, 12), "to", "")]),
        ("A quarter of a million people were moved.", [(250_000, "", "moved")]),
        ("Three quarters of a million homes lost power.", [(750_000, "home", "loss")]),
        (
            "Half a million crowns; half a dozen bids; a dozen boats; a hundred men.",
            [(500_000, "crown", ""), (6, "", "bid"), (12, "boat", ""), (100, "men", "")],
        ),
        ("Two and a half million crowns, a million and a half votes.", [(2_500_000, "crown", ""), (1_500_000, "vote", "")]),
        ("Two hundred and fifty thousand votes, one million cards.", [(250_000, "vote", ""), (1_000_000, "card", "")]),
        ("Two million three hundred thousand and four voters.", [(2_300_004, "voter", "")]),
        ("One of them waited half an hour for a quarter of the bread, a day later.", []),
        ("Ida Kell, 52, spoke at 6.40pm on 5 March 2017 in room 7A.", []),
    ],
)
def test_figures_by_hand(sentence: str, expected: list[tuple[object, str, str]]) -> None:
    """Value, unit and role; ages, times, dates and what is taken back are none."""
    assert [(one.value, one.unit, one.role) for one in figures(sentence)] == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("9 dead", "nine dead", True),
        ("at least 9 dead", "11 dead", False),
        ("about 180,000 dead", "182,000 dead", True),
        ("1.6 million dead", "1.62 million dead", True),
        ("1.6 million dead", "1.9 million dead", False),
        ("21 dead", "23 dead", False),
        ("a quarter of a million dead", "248,000 dead", True),
        ("a quarter of a million dead", "180,000 dead", False),
        ("a hundred dead", "104 dead", True),
        ("a hundred and four dead", "100 dead", False),
    ],
)
def test_figures_that_can_be_one(one: str, other: str, same: bool) -> None:
    """In words or numerals, rounded, or rough within a tenth."""
    assert same_value(figures(one)[0], figures(other)[0]) is same


@pytest.mark.parametrize(
    ("sentence", "question", "asked"),
    [
        ("Nine people died.", "how many people died when the ferry sank", True),
        ("Nine people died.", "what was the final toll of the ferry", True),
        ("Nine people died.", "what did police say about the deaths", True),
        ("Nine people died.", "how many people were aboard", False),
        ("Nine people died.", "how many people were hurt", False),
        ("Nine people died.", "who was the captain", False),
        ("Nine people died.", "when did the ferry sink", False),
        ("Nine people died.", "what happened to the ferry", False),
        ("The library cost 12 million crowns.", "how much was the library", True),
        ("The library cost 12 million crowns.", "how much was the company fined", False),
        ("The library cost 12 million crowns.", "how many crowns does it take", True),
        ("The wall is 40 metres long.", "how long is the wall", True),
        ("It recovered 41 barrels.", "how many barrels were recovered", True),
        ("It recovered 41 barrels.", "how many divers were there", False),
        ("The assembly passed it by 31 to 28.", "what was the result in the assembly", True),
        ("The assembly passed it by 31 to 28.", "what did the assembly say about the harbour", False),
    ],
)
def test_a_figure_is_asked_for(sentence: str, question: str, asked: bool) -> None:
    """By what it counts, or by what happened to those; a person, a day or a place is no figure."""
    (figure,) = figures(sentence)
    assert is_asked_for(figure, question) is asked


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("At least nine people died on the Anna Bree, police said.", "Police said 11 people died on the Anna Bree.", "figure"),
        ("Nine people died on the Anna Bree, police said.", "Police said 9 people died on the Anna Bree.", ""),
        ("Nine people died on the Anna Bree, police said.", "Police said 11 people died in Corrin.", ""),
        ("Alder denied that the hatch of the Bree was open.", "The hatch of the Bree was open, the report found.", "denial"),
        ("Alder denied that the hatch of the Bree was open.", "The hatch of the Bree was not open, the report found.", ""),
        ("Alder declined to say whether the hatch of the Bree was open.", "The hatch of the Bree was open, the report found.", ""),
    ],
)
def test_two_sentences(one: str, other: str, expected: str) -> None:
    """The same way round and the other."""
    assert differ(one, other) == expected
    assert differ(other, one) == expected


@given(st.text(), st.text())
def test_any_two_texts(one: str, other: str) -> None:
    """No text makes it fail, and none differs from itself."""
    assert differ(one, other) == differ(other, one)
    assert differ(one, one) == ""
