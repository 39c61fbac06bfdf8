"""The answers of a list as arrays: filters, sets, thresholds, order and corrections, against numpy by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.jobs.cases import AnswerCalibration, Answering, AnswerRows, InputColumn, NetworkFacts
from dnnstudio.core.uncertainty.conformal import Promise, calibrate_sets, score_classes
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.words import answer_text, ask_line, cell_text, headline, outside, row_sentence

from ..fake_cases import CLASSES, COLUMNS, calibration, rows_of

BY = Answering(model="net", samples=20)


def filled(*, samples: int | None = 20, model: str = "net", counts: tuple[int, ...] = (30, 25)) -> Cases:
    """Cases in two blocks, with two that could not be read."""
    cases = Cases()
    table = "table" in model or "number" in model
    facts = NetworkFacts(classes=() if "number" in model else CLASSES, columns=COLUMNS if table else ())
    cases.clear(facts, passes=samples is not None)
    by = Answering(model=model, samples=samples)
    start = 0
    for count in counts:
        names = [(f"/new/{'broken' if start + n in (3, 40) else 'file'} {start + n}.png", 1) for n in range(count)]
        cases.add(rows_of(by, names))
        start += count
    return cases


def test_sure_asked_and_failed_are_all_rows_each_once() -> None:
    cases = filled()
    cases.threshold = 0.1
    counts = cases.counts()
    assert counts["failed"] == 2
    assert counts["sure"] + counts["ask"] + counts["failed"] == counts["all"] == 55
    uncertainties = cases.uncertainties
    assert uncertainties is not None
    assert counts["ask"] == int((uncertainties[~cases.failed] > 0.1).sum())


@pytest.mark.parametrize("kind", SetKind)
def test_sets_are_those_of_the_calibration(kind: SetKind) -> None:
    cases = filled()
    cases.promise.kind = kind
    random = np.random.default_rng(0)
    known = random.dirichlet((0.4,) * len(CLASSES), 80)
    labels = np.asarray([random.choice(len(CLASSES), p=row) for row in known])
    cases.promise.calibration = AnswerCalibration(values=known, truth=labels, note="")
    for coverage in (0.6, 0.9):
        cases.promise.coverage = coverage
        scores = score_classes(known, method=kind.method)
        reference = calibrate_sets(scores, labels, promise=Promise.of(coverage), by_class=kind.by_class)
        block = cases.blocks[0]
        sizes = cases.sizes
        assert sizes is not None
        good = [row for row in range(len(block)) if not block.errors[row]]
        members = reference.sets_of(block.values[good]).members
        for place, kept in zip(good, members, strict=True):
            assert set(cases.members(place) or ()) == {name for name, is_in in zip(CLASSES, kept, strict=True) if is_in}
            assert bool(cases.strange[place]) == (not kept.any())
            assert sizes[place] == kept.sum()
        assert not sizes[[place for place in range(len(block)) if block.errors[place]]].any()


def test_a_coverage_that_needs_more_rows_promises_nothing() -> None:
    cases = filled()
    cases.promise.calibration = calibration(np.linspace(0, 1, 15))
    cases.promise.coverage = 0.95
    assert cases.promised is None
    assert cases.promise.rows_missing == 4  # 19 rows are needed for 95 %
    assert cases.members(0) is None
    assert not cases.strange.any()


def test_a_strange_row_is_asked_about_whatever_its_doubt() -> None:
    cases = filled()
    cases.threshold = 10.0
    cases.promise.calibration = calibration(np.zeros(30))
    assert cases.strange[0] and cases.asked[0]
    assert answer_text(cases, 0).startswith("perhaps ")
    assert "no class fits" in headline(cases, 0)
    assert ask_line(cases, 0) == "Ask a person: it is unlike all that was learnt."


def test_rows_are_sorted_by_any_column_and_those_without_an_answer_come_last() -> None:
    cases = filled()
    uncertainties, shares = cases.uncertainties, cases.shares
    assert uncertainties is not None
    for falling in (False, True):
        for by, keys in (("uncertainty", uncertainties), ("probability", shares)):
            order = cases.order("all", by=by, falling=falling)
            assert set(order[-2:].tolist()) == {3, 40}
            assert (np.diff(keys[order[:-2]]) * (-1 if falling else 1) >= 0).all()
    names = [cases.answer(place) for place in cases.order("all", by="answer")[:-2].tolist()]
    assert names == sorted(str(name) for name in names)


def test_rows_are_found_by_name_by_answer_and_by_what_went_wrong() -> None:
    cases = filled()
    assert cases.order("all", words="broken").tolist() == [3, 40]
    assert cases.order("all", words="damaged 40").tolist() == [40]
    owls = cases.order("all", answer="owl")
    assert owls.tolist() == [place for place in range(55) if cases.answer(place) == "owl"]
    assert cases.order("failed").tolist() == [3, 40]


def test_a_correction_counts_as_the_answer_and_is_not_asked_again() -> None:
    cases = filled()
    cases.threshold = 0.0
    place = int(np.flatnonzero(cases.asked)[0])
    other = next(name for name in CLASSES if name != cases.answer(place))
    cases.correct(place, other)
    assert cases.answer(place) == other
    assert not cases.asked[place]
    assert place in cases.order("all", answer=other)
    assert ask_line(cases, place) == f"A person said {other}."
    assert cases.table().columns["corrected"] is str
    cases.correct(place, None)
    assert cases.asked[place]
    cases.confirm(place)
    assert not cases.asked[place]
    assert "corrected" not in cases.table().columns


def test_another_score_decides_once_the_decision_tab_says_so() -> None:
    cases = filled()
    for score, expected in (
        ("margin", 1 - np.diff(np.sort(cases.blocks[0].values, axis=1)[:, -2:], axis=1)[:, 0]),
        ("max_probability", 1 - cases.blocks[0].values.max(axis=1)),
        ("expected_entropy", np.asarray(cases.blocks[0].predictive_entropy) * 3 / 4),
    ):
        cases.score = score
        uncertainties = cases.uncertainties
        assert uncertainties is not None
        np.testing.assert_allclose(uncertainties[:30], expected)


def test_without_passes_the_doubt_is_what_lacks_to_certainty() -> None:
    cases = filled(samples=None)
    uncertainties = cases.uncertainties
    assert uncertainties is not None
    np.testing.assert_allclose(uncertainties[:30], 1 - cases.blocks[0].values.max(axis=1))
    assert "std" not in cases.table().columns


def test_numbers_have_intervals_and_a_spread() -> None:
    cases = filled(model="number")
    truth = np.arange(1.0, 20.0)
    cases.promise.calibration = AnswerCalibration(values=np.zeros(19), truth=truth, note="")
    cases.promise.coverage = 0.9
    half = Promise.of(0.9).quantile(np.arange(1.0, 20.0))
    value = float(cases.blocks[0].values[0])
    assert cases.interval(0) == (value - half, value + half)
    assert half == 18.0
    assert cases.uncertainties is not None
    assert list(cases.table().columns)[-6:] == ["high", "error", "ask_a_person", "size", "color", "day"]


def test_the_proposed_threshold_leaves_a_tenth_of_the_calibration_rows_above() -> None:
    cases = filled()
    assert cases.proposed_threshold() is None
    uncertainties = np.random.default_rng(2).uniform(size=1000)
    cases.promise.calibration = calibration(np.zeros(1000), uncertainties=uncertainties)
    assert (uncertainties > (cases.proposed_threshold() or 0)).mean() == pytest.approx(0.1)


def test_pictures_are_given_with_their_answers_and_only_files() -> None:
    cases = filled(counts=(5,))
    assert cases.pictures(cases.order("all")) == tuple(
        (Path(f"/new/file {place}.png"), str(cases.answer(place))) for place in (0, 1, 2, 4)
    )


def test_a_removed_row_is_in_no_list_and_no_count() -> None:
    cases = filled()
    cases.remove(3)
    assert cases.counts()["failed"] == 1
    assert 3 not in cases.order("all")


def test_values_outside_of_the_training_rows_are_said() -> None:
    size, color, day = COLUMNS
    assert outside(size, 10.0) == "" == outside(size, float("nan"))
    assert outside(size, 10.5) == "size is outside of the training rows, which go from 0 to 10."
    assert outside(color, 2.0) == "No training row has white in color."
    assert "2024-01-01 to 2024-01-31" in outside(day, 19_760.0)


def test_a_row_is_said_as_one_sentence() -> None:
    cases = filled()
    assert row_sentence(cases, 3) == "broken 3.png: Could not be read: damaged."
    assert row_sentence(cases, 0).startswith(f"file 0.png: {cases.answer(0)}, ")


def test_ten_thousand_rows_come_without_a_pause() -> None:
    """The work of one block on the window's thread; `make bench` measures the whole window."""
    import time

    block = rows_of(BY, [(f"/new/{number}.png", 1) for number in range(1000)])
    cases = Cases()
    cases.clear(NetworkFacts(classes=CLASSES), passes=True)
    slowest = 0.0
    for _ in range(10):
        begun = time.perf_counter()
        cases.add(AnswerRows(**{name: getattr(block, name) for name in block.__dataclass_fields__}))
        cases.order("all")
        cases.counts()
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 0.25


def test_yes_and_no_are_said_in_the_words_of_the_table() -> None:
    column = InputColumn(name="Aktion", kind="yes_no")
    assert [cell_text(column, value) for value in (0.0, 1.0)] == ["no", "yes"]
    own = replace(column, categories=("nein", "ja"))
    assert [cell_text(own, value) for value in (0.0, 1.0)] == ["nein", "ja"]


def test_a_year_is_written_as_the_table_writes_it() -> None:
    column = InputColumn(name="year", low=1900.0, high=2023.0)
    assert [cell_text(column, value) for value in (1937.0, 0.5, 12345.0)] == ["1937", "0.5", "12,345"]
    assert outside(column, 2030.0) == "year is outside of the training rows, which go from 1900 to 2023."
