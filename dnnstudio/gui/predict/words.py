"""Sentences of the prediction window. No Qt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dnnstudio.core.jobs.cases import CopiedPictures, InputColumn, NetworkFacts, SavedAnswers
from dnnstudio.core.text import count_of, figure, listed, percent, unbroken
from dnnstudio.core.uncertainty.conformal import SetCalibration
from dnnstudio.gui.predict.cases import Cases, Floats

USUAL_STEP = 0.005
"""Of a threshold while no doubt is known."""


def shown_threshold(value: float) -> int | float:
    """A threshold as the bar and the sentences write it: three digits that count, and whole from a thousand on."""
    return round(value) if abs(value) >= 1000 else float(f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}")


def threshold_step(threshold: float | None, doubts: Floats | None) -> float:
    """What an arrow adds to a threshold: of the doubts' range about a fiftieth, as 1, 2 or 5 times a power of ten.

    Never less than the last digit that `shown_threshold` keeps, which would take the step back.
    """
    known = np.empty(0) if doubts is None else doubts[np.isfinite(doubts)]
    size = max(float(known.max(initial=0.0)) / 50, (threshold or 0.0) / 100)
    if not size > 0 or not np.isfinite(size):
        return USUAL_STEP
    power = 10.0 ** np.floor(np.log10(size))
    return float(f"{max(digit for digit in (1, 2, 5) if digit * power <= size * (1 + 1e-9)) * power:.6g}")


def uncertainty_text(value: float, *, number: bool = False) -> str:
    """A doubt with three decimals; that about a number in its own unit."""
    return figure(value) if number else f"{value:.3f}"


def cell_text(column: InputColumn, value: float) -> str:
    """A stored value as the table writes it."""
    if np.isnan(value):
        return "empty"
    cell = column.cell(value)
    if cell is None or isinstance(cell, str):
        return "never seen" if cell is None else cell
    return f"{cell:.0f}" if cell == round(cell) and abs(cell) < 1e4 else figure(cell)  # 1962, which may be a year


def outside(column: InputColumn, value: float) -> str:
    """Why a value is unlike the training rows', as a sentence; empty where it is not."""
    if np.isnan(value):
        return ""
    if column.kind == "category" and int(value) not in column.seen:
        return f"No training row has {cell_text(column, value)} in {column.name}."
    if column.low is None or column.high is None or column.low <= value <= column.high:
        return ""
    ends = f"{cell_text(column, column.low)} to {cell_text(column, column.high)}"
    return f"{column.name} is outside of the training rows, which go from {ends}."


def answer_text(cases: Cases, place: int) -> str:
    """What is said of a row, in a few words; "perhaps Bag" where no class fits."""
    answer = cases.answer(place)
    if answer is None:
        return ""
    text = figure(answer) if isinstance(answer, float) else answer
    return f"perhaps {text}" if cases.strange[place] and place not in cases.corrected else text


def error_text(cases: Cases, place: int) -> str:
    """Why a row has no answer, without the name that stands beside it; empty where it has one."""
    block, row = cases.at(place)
    error, own = block.errors[row], f"{Path(block.sources[row]).name}: "
    return f"Could not be read: {error.removeprefix(own)}" if error.startswith(own) else error


def row_sentence(cases: Cases, place: int) -> str:
    """A whole row, for who hears it instead of seeing it."""
    block, row = cases.at(place)
    name = cases.name(place)
    if block.errors[row]:
        return f"{name}: {error_text(cases, place)}"
    parts = [f"{name}: {answer_text(cases, place)}"]
    if not cases.is_number:
        parts.append(percent(float(block.values[row].max())))
    uncertainties = cases.uncertainties
    if uncertainties is not None:
        parts.append(f"doubt {uncertainty_text(uncertainties[place], number=cases.is_number)}")
    if cases.asked[place]:
        parts.append("ask a person")
    return ", ".join(parts)


def headline(cases: Cases, place: int) -> str:
    """Ankle boot, 87 % ± 14 %;⏎with 90 % coverage:⏎Ankle boot or Sneaker."""
    block, row = cases.at(place)
    if block.errors[row]:
        return "This could not be answered."
    promise = f"with {percent(cases.promise.coverage)} coverage:"
    if cases.is_number:
        spread = "" if block.std is None else f" ± {figure(float(block.std[row]))}"
        said = f"{cases.facts.target or 'The number'} is {figure(float(block.values[row]))}{spread}"
        ends = cases.interval(place)
        return f"{said}." if ends is None else f"{said};\n{promise}\n{figure(ends[0])} to {figure(ends[1])}."
    winner = int(block.values[row].argmax())
    spread = "" if block.std is None else f" ± {percent(float(block.std[row]))}"
    said = f"{cases.facts.classes[winner]}, {percent(float(block.values[row, winner]))}{unbroken(spread)}"
    members = cases.members(place)
    if members is None:
        return f"{said}."
    if not members:
        return f"{said};\n{promise}\nno class fits."
    return f"{said};\n{promise}\n{_alternatives(members)}."


def _alternatives(names: tuple[str, ...]) -> str:
    if len(names) > 4:
        return f"{', '.join(names[:3])} or {len(names) - 3} more"
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def second_line(cases: Cases, place: int) -> str:
    """Dropout off said 95 %. It hesitates with Sneaker."""
    block, row = cases.at(place)
    if block.errors[row]:
        return error_text(cases, place)
    parts = []
    if block.off is not None:
        what = "Dropout off" if cases.facts.random else "The members together"
        if cases.is_number:
            parts.append(f"{what} said {figure(float(block.off[row]))}.")
        else:
            number = int(block.off[row].argmax())
            other = number != int(block.values[row].argmax())
            whom = f"{cases.facts.classes[number]}, " if other else ""
            parts.append(f"{what} said {whom}{percent(float(block.off[row, number]))}.")
    if not cases.is_number and len(cases.facts.classes) > 1:
        second = int(np.argsort(-block.values[row], kind="stable")[1])
        if block.values[row, second] >= 0.02:
            parts.append(f"It hesitates with {cases.facts.classes[second]}.")
        else:
            parts.append("It hardly hesitates.")
    return " ".join(parts)


def ask_line(cases: Cases, place: int) -> str:
    """Ask a person: doubt 0.047 is above 0.041."""
    if place in cases.corrected:
        corrected = cases.corrected[place]
        said = figure(corrected) if isinstance(corrected, float) else corrected
        return f"A person said {said}."
    if place in cases.confirmed:
        return "A person found it right."
    uncertainties = cases.uncertainties
    if not cases.asked[place]:
        return ""
    if cases.strange[place]:
        return "Ask a person: it is unlike all that was learnt."
    assert uncertainties is not None and cases.threshold is not None
    what, number = "spread" if cases.is_number else "doubt", cases.is_number
    above = f"{shown_threshold(cases.threshold):,}"
    return f"Ask a person: {what} {uncertainty_text(uncertainties[place], number=number)} is above {above}."


def counted(cases: Cases) -> str:
    """212 answered, 2 could not be read."""
    failed = int(cases.failed.sum())
    text = f"{len(cases) - failed:,} answered"
    return f"{text}, {failed:,} without an answer" if failed else text


def kept_words(result: SavedAnswers | CopiedPictures) -> tuple[str, bool]:
    """What was written where, and whether that is all there is."""
    if isinstance(result, SavedAnswers):
        text = f"{count_of(result.rows, 'row')} in {result.path}."
        if result.without_inputs:
            text += f" The last {count_of(result.without_inputs, 'row')} stand there without their input columns."
        return text, not result.without_inputs
    text = f"{count_of(result.copied, 'picture')} below {result.folder}."
    if result.refused:
        names = listed([path.name for path, _ in result.refused])
        text += f" Not copied: {names} ({result.refused[0][1]})."
    return text, not result.refused


NO_DOUBT = "Nothing tells how sure this network is of a number: it has no dropout, and is one alone."


def no_doubt_of(facts: NetworkFacts | None) -> str:
    """Why a network tells no doubt, "" where it does, or where nothing is known of it yet."""
    return "" if facts is None or facts.classes or facts.random or facts.members > 1 else NO_DOUBT


NO_ANSWERS = "Nothing was answered yet."


def takes(pictures: bool, tables: bool, arrays: bool) -> str:
    """What the network can be given: pictures, folders or tables."""
    kinds = [name for name, there in (("pictures", pictures), ("tables", tables), ("arrays", arrays)) if there]
    return listed([*kinds, "folders"], most=4) if kinds else "files"


def rows_missing(cases: Cases) -> str:
    """Why a coverage cannot be promised."""
    if not cases.promise.rows_missing or cases.calibration is None:
        return ""
    have = count_of(len(cases.calibration), "row")
    share, missing = percent(cases.promise.coverage), cases.promise.rows_missing
    return f"{share} needs {missing:,} more than the {have} to calibrate on."


def classes_in_every_set(cases: Cases) -> str:
    """Which classes have too few calibration rows for a threshold of their own; "" where there are none."""
    made = cases.promised
    return made.always_kept(cases.facts.classes) if isinstance(made, SetCalibration) else ""
