"""Where a sentence ends in English news; | marks each expected end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import around, sentences

CASES = [
    "The talks failed.| Both sides left.",
    "Mr. Kirby spoke to Mrs. Hale.| She left.",
    "Lt. Gen. Ray Odom met Sgt. Ana Ruiz.| They talked.",
    "Gov. Pat Lowe and Sen. Kim Dahl agreed.| Rep. Tom Vance did not.",
    "J. R. Hartley wrote it.| George W. Bush read it.",
    "U.S. troops left Iraq.| Others stayed in the U.S.| The last flew home in May.",
    "The U.N. Security Council met.| It adjourned.",
    "He moved to Washington, D.C.| She stayed in L.A. County.",
    "The meeting began at 9 a.m. Eastern time.| It ended at 5 p.m.| Nobody spoke.",
    "Acme Inc. said it would pay.| Its rival, Blythe Co., would not.",
    "He works for Acme Corp.| The firm is old.",
    "Born on Jan. 5 in Tulsa, Okla., he moved in Feb. 1990.| He died in Dec.| The cause is unknown.",
    "Shares rose 3.5 percent.| Oil fell to $61.20 a barrel.",
    "It cost $4.| It was worth it.",
    "No. 10 declined to comment.| Asked twice, it said no.| The matter rests.",
    "See Fig. 3 and p. 12 for more.| Vol. 2 is lost.",
    "St. Petersburg lies on Main St.| The river is near.",
    "“We will stay,” he said.| “Nobody leaves.”",
    "“We will stay.”| He left.",
    "\"We will stay.\"| He left.",
    "“Is it over?” Kirby asked.| Nobody answered.",
    "“Go home!” John Hale shouted.| They went.",
    "“Is it over?”| The minister smiled.",
    "Is it over?| Yes.",
    "Never!| He meant it.",
    "What?!| No.",
    "He added, If Iran is coming in, then that worsens the situation.”| Others agreed.",
    "She paused … then went on.| It was late.",
    "He said nothing...| Then he left.",
    "(The time is local.)| The rest is known.",
    "He was 60 (not 61.)| She was 59.",
    "The vote was 5 vs. 4 in the end.| It passed.",
    "Smith v. Jones was heard.| The judge ruled.",
    "Dr. Ito, Ph.D. of Kyoto, spoke.| Many came.",
    "Prof. Lee et al. published it.| The data are open.",
    "J.P. Morgan rose.| So did others.",
    "John F. Kennedy Jr. was there.| He waved.",
    "Martin Luther King Jr.| The name is known.",
    "The Quds Force is led by Maj. Gen. Qassem Suleimani.| He was in Tikrit.",
    "1. The council met.| 2. It voted.",
    "The ship sank in 2014.| In 2015 it was raised.",
    "It rained.| 11 people died.",
    "He is from Ga.| The state is hot.",
    "They met in the Capt. Cook hotel.| It was full.",
    "The email is a.b@c.example today.| It works.",
    "Visit clippings.example now.| It is free.",
    "Élan won.| Évian lost.",
    "‘It is done.’| She left.",
    "He said “no.”| She said “yes.”| They parted.",
    "Approx. 40 people came, i.e. Everyone.| It ended.",
    "The Rev. Al Hope spoke.| Amen.",
    "Gen. Petraeus, cautioned that this could break down quickly.| “Without a doubt,” she said.",
    "Huh?| That’s a strange statement.",
    "Ms. Abel et al. v. Ms. Cain ended.| Nobody won.",
]  # fmt: skip


@pytest.mark.parametrize("marked", CASES)
def test_sentences_end_where_a_reader_would_end_them(marked: str) -> None:
    """Titles, initials, initialisms, quotation marks, numbers, abbreviations at an end."""
    text = marked.replace("|", "")
    assert [text[start:end] for start, end in sentences(text)] == [part.strip() for part in marked.split("|")]


def test_a_blank_line_ends_a_sentence_without_a_stop() -> None:
    """Headings and captions stand alone."""
    text = "A heading\n\nThe first sentence\nof two lines that were wrapped by an editor somewhere\nends here. Another."
    assert [text[start:end] for start, end in sentences(text)] == [
        "A heading",
        "The first sentence\nof two lines that were wrapped by an editor somewhere\nends here.",
        "Another.",
    ]


@given(st.text(alphabet=st.sampled_from('aA1 .!?…"”’)(\n\tU.S.Mr ').map(str), max_size=200) | st.text(max_size=200))
def test_nothing_is_lost_between_sentences(text: str) -> None:
    """Spans rise, do not overlap, are not blank, and leave only white space out."""
    rest, position = [], 0
    for start, end in sentences(text):
        assert position <= start < end
        assert text[start:end].strip() == text[start:end] != ""
        rest.append(text[position:start])
        position = end
    assert "".join([*rest, text[position:]]).strip() == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("His adviser, Lt.\nGen. Ray Odom, left.", 1),
        ("He was “unfit”\nand should not stay.", 1),
        ("Troops from the U.S.\nhave begun to leave.", 1),
        ("The vote (with nine members absent)\nand the mayor agreed.", 1),
        ("He left.\nShe stayed.", 2),
        ("A heading\nThe text begins.", 2),
        ("- one item\n- another item", 2),
    ],
)
def test_a_wrapped_line_goes_on(text: str, expected: int) -> None:
    """In lower case or after an abbreviation; short lines without a stop stand alone."""
    assert len(sentences(text)) == expected


def test_a_run_of_dots_takes_one_pass() -> None:
    """A table of contents; without the look-behind this takes seconds for 20,000 dots and hours for a million."""
    assert len(sentences("." * 1_000_000 + "x")) == 1


def test_what_stands_beside_a_span() -> None:
    """The sentences before and after, or the rest of one that is cut there."""
    text = "It rained. The ferry sank off Selwyn. Nine died."
    assert around(text, 11, 37) == ("It rained.", "Nine died.")
    assert around(text, 15, 25) == ("The", "off Selwyn.")
    assert around(text, 0, 10) == ("", "The ferry sank off Selwyn.")
    assert around(text, 0, len(text)) == ("", "")
