"""The protocol between a runner and its children: JSON objects, each preceded by its length in bytes.

No pickle, so that no message can execute code. NaN and infinities are passed as Python's `json` writes them: both ends
are this program.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from dnnstudio.core.analysis.divergence import Divergence
from dnnstudio.core.analysis.layer_health import LayerHealth
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.jobs.events import (
    BatchesDone,
    EpochDone,
    Event,
    HealthMeasured,
    Progress,
    RateChanged,
    RunEnded,
    RunStarted,
    SavingPaused,
    Stage,
)
from dnnstudio.core.jobs.results import RunResult

MAX_BYTES = 64 * 2**20
"""A longer message is not from this program."""
_MAX_DIGITS = len(str(MAX_BYTES))

Plain = dict[str, Any]


class BrokenStreamError(Exception):
    """The pipe delivered something that is not a message."""


def write_message(stream: IO[bytes], message: Plain) -> None:
    """Write the length in bytes, a newline, the JSON text, a newline. Raises `OSError` once the reader has closed."""
    text = json.dumps(message).encode()
    stream.write(b"%d\n%s\n" % (len(text), text))
    stream.flush()


def read_message(stream: IO[bytes]) -> Plain | None:
    """The next message, None at the end of the stream. Raises `BrokenStreamError`."""
    head = stream.readline(_MAX_DIGITS + 1)
    if not head or (head.isdigit() and len(head) <= _MAX_DIGITS):  # the end, or truncated in the length
        return None
    if not (head.endswith(b"\n") and head[:-1].isdigit()) or int(head) > MAX_BYTES:
        raise BrokenStreamError(f"no length of a message: {head!r}")
    text = stream.read(int(head) + 1)
    if len(text) != int(head) + 1:  # truncated in the middle of a message
        return None
    message = json.loads(text)
    if not isinstance(message, dict):
        raise BrokenStreamError(f"no object: {text[:80]!r}")
    return message


# ---------------------------------------------------------------------------------------------- events


def event_to_plain(event: Event) -> Plain:
    """The event as JSON data, with its class name under "event". Raises `TypeError` for one of another job."""
    name = type(event).__name__
    if name not in _READERS or event.key is not None:
        raise TypeError(f"no event of a single training: {event}")
    fields: Plain = _plain(event)
    return {"event": name} | fields


def event_from_plain(plain: Plain) -> Event:
    """The inverse of `event_to_plain`."""
    fields = dict(plain)
    return _READERS[fields.pop("event")](fields)


def result_to_plain(result: RunResult) -> Plain:
    """The result as JSON data."""
    found: Plain = _plain(result)
    return found


def result_from_plain(plain: Plain) -> RunResult:
    """The inverse of `result_to_plain`."""
    return RunResult(**plain | {"folder": Path(plain["folder"])})


def _plain(value: Any) -> Any:
    if isinstance(value, Option):
        return codec.to_plain(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _progress(plain: Plain) -> Progress:
    return Progress(**plain | {"stage": Stage(plain["stage"])})


def _run_started(plain: Plain) -> RunStarted:
    experiment = codec.from_plain(plain["experiment"])
    return RunStarted(**plain | {"experiment": experiment, "folder": Path(plain["folder"])})


def _batches_done(plain: Plain) -> BatchesDone:
    kinds = {
        "steps": np.int64,
        "losses": np.float32,
        "accuracies": np.float32,
        "learning_rates": np.float64,
    }
    return BatchesDone(**plain | {name: np.array(plain[name], kind) for name, kind in kinds.items()})


def _rate_changed(plain: Plain) -> RateChanged:
    return RateChanged(**plain | {"experiment": codec.from_plain(plain["experiment"])})


def _health_measured(plain: Plain) -> HealthMeasured:
    layers = tuple(LayerHealth(**layer | {"histogram": tuple(layer["histogram"])}) for layer in plain["layers"])
    return HealthMeasured(**plain | {"layers": layers})


def _run_ended(plain: Plain) -> RunEnded:
    result = None if plain["result"] is None else result_from_plain(plain["result"])
    cause = None if plain["cause"] is None else Divergence(**plain["cause"])
    return RunEnded(**plain | {"result": result, "cause": cause})


_READERS: dict[str, Callable[[Plain], Event]] = {
    "Progress": _progress,
    "RunStarted": _run_started,
    "BatchesDone": _batches_done,
    "EpochDone": lambda plain: EpochDone(**plain),
    "RateChanged": _rate_changed,
    "SavingPaused": lambda plain: SavingPaused(**plain),
    "HealthMeasured": _health_measured,
    "RunEnded": _run_ended,
}
"""Every event of a training, by the name of its class."""
