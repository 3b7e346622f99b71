"""How well questions are read: the labels that ship, and figures worked out by hand."""

from __future__ import annotations

import pytest

from eval import dialogue
from eval.dataset import SAMPLE_QUESTIONS, records
from eval.dialogue import HERE, Asked
from eval.report import screen
from eval.result import Result
from index import Archive


def test_a_difference_by_hand() -> None:
    """Two of four gained, one lost."""
    typed = {"a": 0.0, "b": 0.0, "c": 1.0, "d": 1.0}
    asked = Asked(typed, {"a": 1.0, "b": 1.0, "c": 0.0, "d": 1.0}, 3)
    found = asked.difference
    assert (found.better, found.worse, found.interval.mean) == (2, 1, 0.25)
    assert asked.as_dict()["read"] == 0.75


def test_the_labels_hold_together() -> None:
    """Each follow-up names questions that there are, its own kind before itself; each chip's words stand in its message."""
    known = {str(record["id"]) for _, record in records(SAMPLE_QUESTIONS, ("id",))}
    sample = set(known)
    for line, record in records(HERE / "followups.jsonl", ("id", "question", "same_as")):
        assert record["same_as"] in sample, line
        assert record.get("follows", record.get("after")) in known, line
        assert record["id"] not in known, line
        known.add(record["id"])
    labelled = [record for _, record in records(HERE / "filters.jsonl", ("id", "question", "chips"))]
    assert all(words in record["question"] for record in labelled for words in record["chips"])
    assert len(labelled) >= 60
    assert sum(not record["chips"] for record in labelled) >= len(labelled) / 2


def test_the_labelled_messages_are_read_as_labelled(sample_articles: Archive) -> None:
    """Every chip, and none besides: what is read from words needs no model."""
    found = dialogue._chips(sample_articles)
    assert found.right == found.read == found.labelled


@pytest.mark.model
def test_the_sample_set_is_read_as_well_as_it_was(sample_result: Result) -> None:
    """Follow-ups are found, new topics lose nothing, and filters lose nothing."""
    found = sample_result.dialogue
    assert found
    assert found.pairs["follow-ups"].as_dict()["read"] >= 0.9
    assert found.pairs["other follow-ups"].as_dict()["read"] >= 0.8
    for name in ("after another topic", "with a filter"):
        assert found.pairs[name].difference.worse == 0
    assert found.pairs["after another topic"].carried == 0
    assert 8 <= found.pairs["follow-ups"].headlines <= 19
    assert found.pairs["with a filter"].headlines is None
    assert f"19 questions, follow-ups (18 carry, {found.pairs['follow-ups'].headlines} headlines right)" in screen(sample_result)
