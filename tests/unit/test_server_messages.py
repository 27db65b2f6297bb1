"""How a server ended reads as a sentence, whatever it was."""

from __future__ import annotations

import pytest

from harness.serving.server import end_in_words


@pytest.mark.parametrize(
    ("ended", "during", "sentence"),
    [
        ("exited with 7", "capacity", "it exited with 7 during capacity"),
        ("exited with 7", "", "it exited with 7"),
        ("killed by SIGKILL", "rate_30", "it was killed by SIGKILL during rate_30"),
        (
            "killed: its supervisor had been killed (3 processes of its tree had to be killed)",
            "capacity",
            "it was killed during capacity: its supervisor had been killed (3 processes of its tree had to be killed)",
        ),
    ],
)
def test_how_it_ended_is_a_sentence(ended: str, during: str, sentence: str) -> None:
    assert end_in_words(ended, during) == sentence
