from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.clean import clean, is_boilerplate, markdown_to_text, one_line, printable

FURNITURE = [
    "3 min read",
    "Get The Courier In Your Inbox!",
    "Leave a Reply",
    "Short link :",
    "Related Stories",
    "Share this article",
    "Back to top button",
    "Your email address will not be published. Required fields are marked *",
    "Photo: Ann Vale/Coastline Pictures",
    "Divers at the quay on Monday [Coastline Pictures]",
    "Divers at the quay on Monday [Ann Vale/Coastline Pictures]",
    "Guards at the gate (file)",
    "Guards at the gate (file)Reuters",
    "Ann Vale/AP",
    "Join the conversation as a VIP Member",
    "Trending on Harbour Videos",
    "Follow us on Twitter",
    "12 comments",
]
SENTENCES = [
    "He asked readers to leave a reply at the desk, and forty did.",
    "The photo by the door showed the ferry as it was.",
    "The file (file 12) was lost.",
    "Subscribe, she told them, or lose the paper.",
    "Share prices fell by 3 percent on Monday after the bank's warning was published.",
    "The council will save the library.",
    "“Get the courier in,” he said.",
    "Copyright infringement cost the studio $4 million last year, the court heard.",
    "Sign up to vote before 1 May, the commission urged residents of both towns.",
    "Join us in prayer for the nine who died, the bishop told the congregation.",
    "Share this burden, the minister told the rich.",
    "Read more books, the minister told pupils at the opening.",
    "BAGHDAD — The army said on Friday it had taken the town. [Reuters]",
    "“We will not go back.” [Applause]",
    "Thank you.",
]


@pytest.mark.parametrize("line", FURNITURE)
def test_page_furniture_is_not_article_text(line: str) -> None:
    """Prompts, credits and captions leave the text."""
    assert is_boilerplate(line)
    assert clean(f"One sentence.\n\n{line}\n\nAnother sentence.") == "One sentence.\n\nAnother sentence."


@pytest.mark.parametrize("line", SENTENCES)
def test_sentences_that_look_like_furniture_stay(line: str) -> None:
    """A line goes only when the whole of it matches."""
    assert clean(line) == line


def test_a_newsletter_form_goes_with_all_its_lines() -> None:
    """From its heading to the last line that is known to end one; what follows stays."""
    form = "Get The Courier In Your Inbox!\n\nDaily Digest\n\nAll the news you need.\n\nYou are now subscribed to it."
    assert clean(f"Before.\n\n{form}\n\nAfter.") == "Before.\n\nAfter."


def test_a_form_ends_where_the_article_goes_on() -> None:
    """A paragraph is longer than a line of a form, and thanks are no end of one."""
    paragraph = (
        "The mayor resigned on Friday after a long night of talks, and nine of the councillors who had backed him went with him as well."
    )
    text = f"Get The Ledger In Your Inbox!\n\n{paragraph}\n\n“Thank you!”\n\nYou are now subscribed.\n\nEnd."
    assert clean(text) == f"{paragraph}\n\n“Thank you!”\n\nEnd."


def test_the_headlines_under_related_stories_go() -> None:
    """Up to the next sentence."""
    text = "It sank.\n\nRelated Stories\nMarket hall roof: council to decide\n\nLifeboat crew to get new slipway\n\nNine people died."
    assert clean(text) == "It sank.\n\nNine people died."


def test_a_repeated_title_goes() -> None:
    """The headline is kept as the title, so it is not a sentence of the text."""
    assert clean("The ferry sinks\nIt sank.", "The ferry sinks") == "It sank."


@given(st.text())
def test_clean_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    """No control character, lone surrogate or carriage return is left, and cleaning twice changes nothing."""
    once = clean(text)
    once.encode("utf-8")
    assert clean(once) == once
    assert printable(once) == once
    assert "\r" not in once
    assert "\x00" not in once


def test_invisible_and_direction_changing_characters_go() -> None:
    """They would let a text look like another than it is."""
    assert one_line("a\u202eb\u200bc\ud800 d\r\ne\x1b[0m") == "abc\ufffd d e[0m"


def test_markdown_becomes_its_text() -> None:
    """Emphasis, links and quotes leave their words; the first heading is the title."""
    assert markdown_to_text("1986. It was late.\n\n<div>\nThe mayor <b>left</b>.\n</div>\n\none<br>two")[1] == (
        "1986. It was late.\n\nThe mayor  left .\n\none two"
    )
    source = "# The title\n\nA *word*, a [link](https://x.example) and\na `code`.\n\n> Quoted.\n\n- item\n\n## Below\n\nEnd."
    assert markdown_to_text(source) == ("The title", "A word, a link and a code.\n\nQuoted.\n\nitem\n\nBelow\n\nEnd.")
