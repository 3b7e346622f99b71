"""Who says it: a slice of the sentence, or nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import sentences
from qa.said import asks_who_says, speech, spoken


@pytest.mark.parametrize(
    ("sentence", "speaker", "verb"),
    [
        ("Pentagon spokesman John Kirby confirmed on Friday that they are there.", "Pentagon spokesman John Kirby", "confirmed"),
        ("“It sank,” said Dunstan Pell, 62, a crab fisherman.", "Dunstan Pell", "said"),
        ("Its managing director, Noel Alder, denied that the hatch was open.", "Noel Alder", "denied"),
        ("Noel Alder, the managing director, flatly denied it.", "Noel Alder", "denied"),
        ("Nine people died, the fire service said.", "the fire service", "said"),
        ("The road is shut, according to police.", "police", "according to"),
        ("The bill is 112 million crowns, said Delphine Oakshaw, who took over.", "Delphine Oakshaw", "said"),
        ("In Skell, Mayor Ines Corvin said it was late.", "Mayor Ines Corvin", "said"),
        ("“I said no,” Karrow told reporters.", "Karrow", "told"),
        ("The minister told reporters in Skell that “nobody said so”.", "The minister", "told"),
    ],
)
def test_the_speaker_and_the_verb(sentence: str, speaker: str, verb: str) -> None:
    """Before the verb or after it, with or without who that is; what is quoted is not read."""
    found = speech(sentence)
    assert found
    assert (sentence[slice(*found.speaker)], sentence[slice(*found.verb)]) == (speaker, verb)


@pytest.mark.parametrize(
    "sentence",
    [
        "He said it was late.",
        "“No,” she said.",
        "It rained.",
        "It said that the slope was safe, contrary to what the company said.",
        "The mayor was charged, accused of theft.",
        "She thanked Alder and said it was late.",
    ],
)
def test_a_speaker_that_is_not_named_is_none(sentence: str) -> None:
    """Rather than a wrong one."""
    assert speech(sentence) is None


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Ida Kell, the harbour master, said nine died. “It was dark,” she said.", "Ida Kell"),
        ("Mr Alder denied that the hatch was open. He said it was shut.", "Mr Alder"),
        ("Noel Alder said he was asleep. “I woke at six,” he told reporters.", "Noel Alder"),
        ("“It sank,” said Dunstan Pell, 62, a crab fisherman. He had seen it, he said. “It was dark,” he added.", "Dunstan Pell"),
        ("Mr Alder denied that the hatch was open. She said it was shut.", ""),
        ("Corrin Water said it was safe, and its spokesman, Noel Alder, told members so. He declined to say more.", ""),
        ("Corrin Water said it was safe. He declined to say more.", ""),
        ("Ida Kell, the harbour master, said nine died. It was dark. She said it had rained.", ""),
        ("Police said nine died. He said it was dark.", ""),
        ("Ida Kell, the harbour master, said nine died. When Jane Marsh came, she said it was dark.", ""),
        ("Ida Kell, the harbour master, said nine died. It said so.", ""),
        ("He said it was dark.", ""),
    ],
)
def test_he_said_is_whom_the_sentence_before_names(text: str, speaker: str) -> None:
    """Where that is one person, who speaks; a mere he is nobody."""
    found = spoken(text, *sentences(text)[-1])
    assert (text[slice(*found.speaker)] if found else "") == speaker


def test_a_named_speaker_of_the_sentence_itself_goes_first() -> None:
    """At its place in the text."""
    text = "Ida Kell, the harbour master, spoke. Noel Alder said it was late."
    found = spoken(text, *sentences(text)[-1])
    assert found
    assert (text[slice(*found.speaker)], text[slice(*found.verb)]) == ("Noel Alder", "said")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who confirmed it", True),
        ("what did the mayor say", True),
        ("has he denied it", True),
        ("who was the captain", False),
        ("when did it sink", False),
    ],
)
def test_questions_that_ask_who_says(question: str, expected: bool) -> None:
    """By the speech verb in them."""
    assert asks_who_says(question) is expected


@given(st.text())
def test_any_text_has_slices_or_nothing(text: str) -> None:
    """Whatever is in it."""
    found = speech(text)
    if found:
        for start, end in (found.speaker, found.verb):
            assert 0 <= start < end <= len(text)
