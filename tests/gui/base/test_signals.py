"""Signals keep the references of what they send: a binding that drops one ends the process sooner or later."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Signal

EMITS = 100_000
SLACK = 1000
"""Other code may take and give back some references meanwhile; a binding that drops one an emit is far beyond."""


class Sender(QObject):
    sent = Signal(object)
    flagged = Signal(bool)


def test_a_hundred_thousand_emits_keep_the_references() -> None:
    sender, seen = Sender(), 0
    singletons = (True, False, None)

    def count(_: object) -> None:
        nonlocal seen
        seen += 1

    sender.sent.connect(count)
    sender.flagged.connect(count)
    before = [sys.getrefcount(value) for value in singletons]
    for number in range(EMITS // 2):
        sender.flagged.emit(number % 2 == 0)
        sender.sent.emit(None)
    after = [sys.getrefcount(value) for value in singletons]
    assert seen == EMITS
    assert all(abs(now - then) < SLACK for now, then in zip(after, before, strict=True)), (before, after)
