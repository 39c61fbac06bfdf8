"""What a client and a worker tell each other, as JSON: the letter of a task, and the answer with its run folder."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.results import EndReason, RunResult
from dnnstudio.runner.cluster.archives import files_below, pack, read_text
from dnnstudio.runner.tasks import RunOutcome
from dnnstudio.runner.wire import Plain, result_from_plain, result_to_plain

ANSWER = "answer.json"
RUN_PREFIX = "run/"
MAX_ANSWER_BYTES = 16 * 2**20
_REASONS: tuple[EndReason, ...] = ("finished", "early_stopping", "stopped", "diverged", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A file or a packed folder that a task needs, known by the SHA-256 of its bytes. `name` is its name as sent."""

    fingerprint: str
    size: int
    name: str
    is_folder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A task for a worker: the experiment as JSON data, and parcels for what it names.

    `data` has the parcel of each path of `experiment.data.source`, by the field's name; `source` is that of the
    transfer; `resume` is the run folder as it stands. `topic` is where events of the attempt are told.
    """

    id: str
    attempt: str
    topic: str
    threads: int
    experiment: Plain
    resume: Parcel | None = None
    source: Parcel | None = None
    data: dict[str, Parcel]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Letter:
        plain = json.loads(text)
        for name in ("resume", "source"):
            plain[name] = None if plain[name] is None else Parcel(**plain[name])
        return cls(**plain | {"data": {field: Parcel(**parcel) for field, parcel in plain["data"].items()}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a task ended on the worker; the fields are those of `RunOutcome`."""

    reason: EndReason
    message: str
    detail: str = ""
    result: RunResult | None = None


def answer_of(outcome: RunOutcome) -> Answer:
    """The part of an outcome that is sent."""
    return Answer(reason=outcome.reason, message=outcome.message, detail=outcome.detail, result=outcome.result)


def answer_to_bytes(answer: Answer, folder: Path) -> bytes:
    """The answer and the run folder, if there is one, as an archive."""
    plain: dict[str, Any] = {"reason": answer.reason, "message": answer.message, "detail": answer.detail}
    plain["result"] = None if answer.result is None else result_to_plain(answer.result)
    files: Iterator[tuple[str, Path]] = files_below(folder) if folder.is_dir() else iter(())
    packed = io.BytesIO()
    named = ((f"{RUN_PREFIX}{name}", path) for name, path in files)
    pack(packed, named, {ANSWER: json.dumps(plain).encode()})
    return packed.getvalue()


def read_answer(packed: bytes) -> Answer:
    """The answer in such an archive. Raises `UserError` where it is none."""
    text = read_text(io.BytesIO(packed), ANSWER, limit=MAX_ANSWER_BYTES)
    try:
        plain = json.loads(text)
        result = None if plain["result"] is None else result_from_plain(plain["result"])
        reason, message, detail = plain["reason"], plain["message"], plain["detail"]
        if reason not in _REASONS or not isinstance(message, str) or not isinstance(detail, str):
            raise ValueError("fields")
        return Answer(reason=reason, message=message, detail=detail, result=result)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError("What came from the cluster is no answer of this program.", "Train it again.") from None
