"""What a person is told can be read, and controls no terminal, whatever the file or the path holds that it quotes."""

from __future__ import annotations

import copy
import pickle

import pytest

from dnnstudio.core.errors import LONGEST, Code, UserError
from dnnstudio.core.text import NBSP, harmless

PATH = "/data/" + "a" * 4000 + "/run"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\x1b[31mred\x07", "a�[31mred�"),
        ("a\u202egnp.exe", "a�gnp.exe"),
        ("\x9b2J\x00\r\x7f", "�2J���"),
        ("caf\udce9", "caf\\xe9"),
        (f"3{NBSP}% of\nÜbung, 学習", f"3{NBSP}% of\nÜbung, 学習"),
    ],
)
def test_no_character_controls_a_terminal(given: str, shown: str) -> None:
    assert harmless(given) == shown
    error = UserError(f"{given} cannot be read.", f"Rename {given}.")
    assert (error.message, error.hint) == (f"{shown} cannot be read.", f"Rename {shown}.")


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (f"{PATH} cannot be read: permission denied.", "Check its permissions."),
        ("It is not there.", f"Remove {PATH} and try again."),
        (f"{PATH} cannot be read: permission denied.", f"Remove {PATH} and try again."),
    ],
)
def test_a_refusal_is_short_and_keeps_its_reason(message: str, hint: str) -> None:
    error = UserError(message, hint)
    assert len(str(error)) <= LONGEST
    assert str(error).startswith(message[:6])
    assert error.message.endswith(message[-20:])
    assert error.hint.endswith(hint[-11:])


def test_a_short_one_is_what_it_was_and_can_be_copied() -> None:
    error = UserError("It is taken.", "Choose another name.", code=Code.NAME_TAKEN)
    assert str(error) == "It is taken. Choose another name."
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (again.message, again.hint) == (error.message, error.hint)
