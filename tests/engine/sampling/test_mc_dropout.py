"""Sampling: dropout alone is random, at the right rate and scale, by its own counters, and nothing else moves."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Csv, Data, Digits
from dnnstudio.core.experiment.layers import (
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    Layer,
    Reshape,
)
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import SamplesDone
from dnnstudio.core.jobs.requests import EvaluateModel, SampleModel
from dnnstudio.core.uncertainty.classification import as_probabilities
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.shift import Shift


def sampler_of(*layers: Layer, features: int = 50, **options: Any) -> Any:
    from dnnstudio.engine.backend.builder import build
    from dnnstudio.engine.backend.runtime import keras
    from dnnstudio.engine.sampling.mc_dropout import Sampler

    keras.utils.set_random_seed(3)
    return Sampler(build(Experiment(layers=layers), (features,)), **options)


def draws(sampler: Any, x: np.ndarray, count: int = 40, seed: int = 1) -> np.ndarray:
    return np.stack(list(sampler.passes(x, 0, count, seed=seed)))


ONES = np.ones((200, 50), np.float32)


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("masks", ["independent", "one_a_pass"])
def test_dropout_keeps_its_share_and_scales_what_it_keeps(rate: float, masks: str) -> None:
    out = draws(sampler_of(Dropout(id="drop", rate=rate), masks=masks), ONES)
    units = out[:, :1] if masks == "one_a_pass" else out
    kept = units > 0
    margin = 5 * np.sqrt(rate * (1 - rate) / kept.size)
    assert abs(kept.mean() - (1 - rate)) < margin
    np.testing.assert_allclose(out[out > 0], 1 / (1 - rate), rtol=1e-6)


def test_alpha_and_gaussian_dropout_keep_mean_and_variance_as_their_formulas_say() -> None:
    normal = np.random.default_rng(0).standard_normal((2000, 50)).astype(np.float32)
    alpha = draws(sampler_of(AlphaDropout(id="drop", rate=0.3)), normal, 10)
    assert abs(alpha.mean()) < 0.01
    assert abs(alpha.std() - 1) < 0.01
    noisy = draws(sampler_of(GaussianDropout(id="drop", rate=0.2)), ONES)
    assert abs(noisy.mean() - 1) < 0.01
    assert abs(noisy.std() - 0.5) < 0.01  # √(0.2 / 0.8)


def test_masks_of_images_passes_and_layers_are_independent_of_each_other() -> None:
    out = draws(sampler_of(Dropout(id="drop", rate=0.5)), ONES, 60) > 0
    flat = out.reshape(60, -1).astype(float)
    between_passes = np.corrcoef(flat)[np.triu_indices(60, 1)]
    assert np.abs(between_passes).max() < 5 / np.sqrt(flat.shape[1])
    images = out.transpose(1, 0, 2).reshape(200, -1).astype(float)
    between_images = np.corrcoef(images)[np.triu_indices(200, 1)]
    assert np.abs(between_images).max() < 6 / np.sqrt(images.shape[1])
    both = sampler_of(Dropout(id="one", rate=0.5), Dropout(id="two", rate=0.5))
    assert abs((draws(both, ONES, 60) > 0).mean() - 0.25) < 0.01


def test_one_mask_a_pass_is_shared_by_all_images_across_blocks() -> None:
    sampler = sampler_of(Dropout(id="drop", rate=0.5), features=3, masks="one_a_pass")
    out = draws(sampler, np.ones((6000, 3), np.float32), 8)
    assert (out == out[:, :1]).all()
    assert len(np.unique(out[:, 0], axis=0)) > 2


def test_each_image_has_the_same_spread_with_either_kind_of_mask() -> None:
    layers = (Dropout(id="drop", rate=0.4), Dense(id="output", units=3, activation="softmax"))
    x = np.random.default_rng(2).standard_normal((3, 50)).astype(np.float32)
    apart = draws(sampler_of(*layers), x, 1500)
    shared = draws(sampler_of(*layers, masks="one_a_pass"), x, 1500)
    np.testing.assert_allclose(apart.mean(0), shared.mean(0), atol=0.05)
    np.testing.assert_allclose(apart.std(0), shared.std(0), atol=0.04)


def test_passes_in_two_portions_equal_those_drawn_at_once() -> None:
    sampler = sampler_of(Dropout(id="drop", rate=0.5), Dense(id="output", units=2, activation="softmax"))
    at_once = draws(sampler, ONES, 7, seed=9)
    portions = [*sampler.passes(ONES, 0, 3, seed=9), *sampler.passes(ONES, 3, 4, seed=9)]
    assert np.array_equal(at_once, np.stack(portions))
    assert not np.array_equal(at_once, draws(sampler, ONES, 7, seed=10))


def test_no_variable_moves_and_batch_normalization_stays_in_inference_mode() -> None:
    sampler = sampler_of(
        Dense(id="dense", units=8, activation="relu"),
        BatchNormalization(id="bn"),
        Dropout(id="drop", rate=0.5, monte_carlo=True),
        Dense(id="output", units=2, activation="softmax"),
    )
    before = [variable.numpy().copy() for variable in sampler.model.variables]
    x = np.random.default_rng(0).normal(3, 2, (500, 50)).astype(np.float32)
    whole = draws(sampler, x, 5)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, sampler.model.variables, strict=True))
    assert len(before) > 8  # batch normalization's averages and the seed's state are among them
    off = sampler.deterministic(x)
    np.testing.assert_allclose(off[:1], sampler.deterministic(x[:1]), atol=1e-6)
    assert whole.std(axis=0).max() > 0


def test_a_large_first_part_is_computed_anew_in_every_pass_with_the_same_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layers = (Dense(id="wide", units=64), Dropout(id="drop", rate=0.5), Dense(id="output", units=2))
    kept = draws(sampler_of(*layers), ONES, 3)
    monkeypatch.setattr("dnnstudio.engine.sampling.mc_dropout.KEPT_BYTES", 100)
    assert np.array_equal(kept, draws(sampler_of(*layers), ONES, 3))


def test_networks_without_dropout_are_refused_in_a_sentence() -> None:
    for layers in ((Dense(id="output", units=2),), (Dropout(id="drop", rate=0.0), Dense(id="output", units=2))):
        with pytest.raises(UserError, match="no dropout layer"):
            sampler_of(*layers)


# -------------------------------------------------------------------------------------------------------- the job


def digits(*layers: Layer, units: int = 10, activation: str | None = "softmax") -> Experiment:
    return Experiment(
        data=Data(source=Digits()),
        layers=(Flatten(id="flatten"), *layers, Dense(id="output", units=units, activation=activation)),
    )


class Bench:
    """A session with one untrained network in it."""

    def __init__(self, experiment: Experiment, input_shape: tuple[int, ...] = (8, 8)) -> None:
        from dnnstudio.engine.backend.builder import build
        from dnnstudio.engine.reuse.loaded_model import LiveModel
        from dnnstudio.engine.session import Session

        self.experiment = experiment
        self.session = Session()
        self.model = build(experiment, input_shape)
        self.session._held.keep("net", LiveModel(self.model, experiment, input_shape))
        self.events: list[Any] = []

    def sample(self, control: Control | None = None, **options: Any) -> Samples:
        job = SampleModel(model="net", experiment=options.pop("experiment", self.experiment), **options)
        result = self.session.run(job, control or Control(), self.events.append)
        assert isinstance(result, Samples)
        return result

    def sample_rows(self) -> Any:
        from dnnstudio.engine.data import load_part

        return load_part(self.experiment.data, "test", seed=self.experiment.seed).scaled()


@pytest.fixture
def bench() -> Bench:
    return Bench(digits(Dropout(id="drop", rate=0.3)))


def test_the_job_gives_passes_labels_pictures_and_the_prediction_without_dropout(bench: Bench) -> None:
    samples = bench.sample(passes=6)
    assert samples.array().shape == (6, 360, 10)
    assert samples.array().dtype == np.float32
    assert samples.rows.pictures is not None
    assert samples.rows.pictures.shape == (360, 8, 8)
    assert samples.rows.class_names == tuple("0123456789")
    np.testing.assert_allclose(samples.rows.deterministic.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(samples.scores.mean, samples.array().mean(axis=0, dtype=np.float64), atol=1e-12)
    assert len(samples.course.winners) == 6
    assert samples.course.flips()[-1] == 0
    assert np.array_equal(samples.course.winners[-1], samples.scores.winner)


def test_more_passes_equal_all_at_once(bench: Bench) -> None:
    at_once = bench.sample(passes=9, seed=5)
    first = bench.sample(passes=4, seed=5)
    more = bench.sample(passes=5, seed=5, earlier=first)
    assert len(more.blocks) == 2
    assert np.array_equal(more.array(), at_once.array())
    np.testing.assert_allclose(more.scores.std, at_once.scores.std, atol=1e-12)
    np.testing.assert_allclose(more.scores.mutual_information, at_once.scores.mutual_information, atol=1e-12)
    assert np.array_equal(more.course.winners, at_once.course.winners)
    assert np.array_equal(bench.sample(passes=5, seed=5, first_pass=4).array(), at_once.array()[4:])


def test_partial_results_come_before_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnnstudio.engine.sampling.job.EVENT_INTERVAL_S", 0.0)
    samples = bench.sample(passes=5)
    told = [event for event in bench.events if isinstance(event, SamplesDone)]
    assert [event.samples.passes for event in told] == [1, 2, 3, 4]
    assert all(np.array_equal(event.samples.array(), samples.array()[: event.samples.passes]) for event in told)
    assert told[0].seconds_left >= 0


def test_sampling_ends_by_itself_at_the_precision_that_was_asked_for(bench: Bench) -> None:
    samples = bench.sample(passes=500, precision=0.02)
    assert 10 <= samples.passes < 500
    errors = samples.scores.winner_std / np.sqrt(samples.passes - 1)
    assert np.quantile(errors, 0.95, method="inverted_cdf") <= 0.02 + 1e-9


def test_cancelling_answers_within_200_ms(bench: Bench) -> None:
    import threading

    bench.sample(passes=1)  # compiled

    def answered_after_s() -> float:
        control, stopped = Control(), [0.0]

        def stop() -> None:
            stopped[0] = time.monotonic()
            control.stop()

        timer = threading.Timer(0.3, stop)
        timer.start()
        with pytest.raises(Cancelled):
            bench.sample(control, passes=100_000)
        timer.join()
        return time.monotonic() - stopped[0]

    assert any(answered_after_s() < 0.2 for _ in range(5))  # others have the processor for that long now and then


def test_large_passes_lie_in_a_temporary_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = bench.sample(passes=4)
    monkeypatch.setattr("dnnstudio.engine.sampling.job.IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr("tempfile.tempdir", None)
    mapped = bench.sample(passes=4)
    assert isinstance(mapped.blocks[0].base, np.ndarray)
    assert isinstance(mapped.blocks[0].base.base, np.memmap) or isinstance(mapped.blocks[0].base, np.memmap)
    assert np.array_equal(mapped.array(), in_memory.array())


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="only where space can be reserved at once")
def test_passes_for_which_there_is_no_space_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("dnnstudio.engine.sampling.job.IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match="in the folder for temporary files: the disk is full"):
        bench.sample(passes=4)


def test_two_classes_with_one_unit_become_two_columns() -> None:
    experiment = digits(Dropout(id="drop", rate=0.3), units=1, activation="sigmoid")
    data = experiment.data.replaced(classes=experiment.data.classes.replaced(keep=(3, 8), positive=8))
    samples = Bench(experiment.replaced(data=data)).sample(passes=3)
    assert samples.array().shape[2] == 2
    np.testing.assert_allclose(samples.array().sum(axis=2), 1, atol=1e-6)
    assert samples.rows.class_names == ("3", "8")


def test_without_dropout_there_is_one_pass_that_keras_gives() -> None:
    bench = Bench(digits())
    samples = bench.sample(passes=50)
    assert (samples.passes, samples.kind, samples.is_single) == (1, "none", True)
    said = bench.model.predict(bench.sample_rows(), verbose=0)
    np.testing.assert_allclose(samples.scores.mean, said, atol=1e-6)
    assert np.array_equal(samples.array()[0], samples.rows.deterministic)
    assert {one.name for one in samples.telling_scores} == {"predictive_entropy", "margin", "max_probability"}
    with pytest.raises(UserError, match="no dropout layer"):
        bench.sample(passes=2, stochastic=True)
    off = Bench(digits(Dropout(id="drop", rate=0.5))).sample(passes=2, stochastic=False)
    assert off.is_single and np.array_equal(off.array()[0], off.rows.deterministic)


def numbers(tmp_path: Path, *layers: Layer) -> Bench:
    """A network for a number, in a target of another size than its inputs."""
    table = tmp_path / "rows.csv"
    table.write_text("a,b,y\n" + "\n".join(f"{n},{n * n % 7},{100 + 10 * n}" for n in range(60)))
    data = Data(source=Csv(path=str(table), label_column="y", target="number"), scaling="standardize")
    return Bench(Experiment(data=data, layers=(*layers, Dense(id="output", units=1))), (2,))


def test_passes_of_a_number_are_those_of_the_layers_in_its_own_unit(tmp_path: Path) -> None:
    bench = numbers(tmp_path, Dense(id="hidden", units=8), Dropout(id="drop", rate=0.5))
    found = bench.session.run(
        SampleModel(model="net", experiment=bench.experiment, passes=40), Control(), bench.events.append
    )
    assert isinstance(found, NumberSamples)
    assert (found.predictions.shape, found.kind) == ((40, len(found.rows)), "dropout")
    assert (found.rows.truth >= 100).all() and (found.rows.truth % 10 == 0).all()
    said = bench.model.predict(bench.sample_rows(), verbose=0)[:, 0]
    np.testing.assert_allclose(found.rows.deterministic, said, atol=1e-5)
    # Dropout keeps the mean of a linear layer, and each pass is another network.
    error = found.predictions.std(axis=0, ddof=1) / np.sqrt(40)
    assert (np.abs(found.predictions.mean(axis=0) - said) < 5 * error + 1e-6).all()
    assert found.summary.std.min() > 0
    assert [column.name for column in found.rows.table] == ["a", "b"]
    more = bench.session.run(
        SampleModel(model="net", experiment=bench.experiment, passes=10, earlier=found), Control(), bench.events.append
    )
    assert more.passes == 50 and np.array_equal(more.predictions[:40], found.predictions)
    at_once = bench.session.run(
        SampleModel(model="net", experiment=bench.experiment, passes=50), Control(), bench.events.append
    )
    assert np.array_equal(more.predictions, at_once.predictions)


def test_a_number_without_dropout_is_predicted_once(tmp_path: Path) -> None:
    bench = numbers(tmp_path)
    found = bench.session.run(SampleModel(model="net", experiment=bench.experiment), Control(), bench.events.append)
    assert isinstance(found, NumberSamples) and found.is_single
    said = bench.model.predict(bench.sample_rows(), verbose=0)[:, 0]
    np.testing.assert_allclose(found.predictions[0], said, rtol=1e-6)
    assert found.scores.mae == pytest.approx(np.abs(said - found.rows.truth).mean(), rel=1e-5)
    assert found.baseline == pytest.approx(np.abs(found.rows.truth - found.rows.target_mean).mean())


def test_outputs_that_are_no_probabilities_are_refused_as_predictions_are() -> None:
    # The same sentence as for `dnnstudio predict`, with dropout and without, for several units and for one.
    for layers in ((), (Dropout(id="drop", rate=0.5),)):
        for bench in (Bench(digits(*layers, activation=None)), Bench(digits(*layers, activation="sigmoid"))):
            rows = bench.sample_rows()
            with pytest.raises(UserError) as expected:
                as_probabilities(bench.model.predict(rows, verbose=0))
            with pytest.raises(UserError) as refused:
                bench.sample(passes=2)
            assert (refused.value.message, refused.value.hint) == (expected.value.message, expected.value.hint)


def test_a_network_that_draws_pictures_is_refused_by_name() -> None:
    layers = (Flatten(id="flatten"), Dense(id="wide", units=64), Reshape(id="output", target_shape=(8, 8)))
    bench = Bench(Experiment(data=Data(source=Digits()), layers=layers))
    with pytest.raises(UserError, match=r"array of shape \(8, 8\), as an autoencoder"):
        bench.sample(passes=2)


def test_bare_sums_are_not_measured_by_a_loss_of_probabilities() -> None:
    bench = Bench(digits(activation=None))
    with pytest.raises(UserError, match="no probabilities: they do not lie between 0 and 1"):
        bench.session.run(EvaluateModel(model="net", experiment=bench.experiment), Control(), bench.events.append)
    each = Bench(digits(activation="sigmoid"))  # each class by itself: unusual, but a probability
    found = each.session.run(EvaluateModel(model="net", experiment=each.experiment), Control(), each.events.append)
    assert set(found.parts) == {"train", "validation", "test"}


def test_a_table_gives_its_stored_values_in_place_of_pictures(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("height,width,kind\n" + "\n".join(f"{n},{n * 2},{'ab'[n % 2]}" for n in range(60)))
    experiment = Experiment(
        data=Data(source=Csv(path=str(table)), scaling="standardize"),
        layers=(Dropout(id="drop", rate=0.5), Dense(id="output", units=1, activation="sigmoid")),
    )
    rows = Bench(experiment, (2,)).sample(passes=2).rows
    assert rows.pictures is None
    assert rows.columns == ("height", "width")
    assert rows.values is not None
    np.testing.assert_allclose(rows.values[:, 1], 2 * rows.values[:, 0])
    # Its values have a place among the training rows: 60 rows without those of the test and validation part.
    height = rows.table[0]
    assert (height.name, height.kind, height.has_order) == ("height", "number", True)
    assert len(height.ordered) < 60 - len(rows)
    value = float(rows.values[0, 0])
    assert not np.isin(rows.values[:, 0], height.ordered).any()
    assert height.share_below(value) == (height.ordered < value).mean()


def test_changed_pictures_and_another_data_set_take_the_place_of_the_test_rows(bench: Bench) -> None:
    plain = bench.sample(passes=1, limit=50)
    turned = bench.sample(passes=1, limit=50, shift=Shift(rotation=90))
    assert plain.rows.pictures is not None and turned.rows.pictures is not None
    np.testing.assert_allclose(
        turned.rows.pictures.astype(int), np.rot90(plain.rows.pictures, axes=(1, 2)).astype(int), atol=1
    )
    assert np.array_equal(turned.rows.labels, plain.rows.labels)
    plain = bench.sample(passes=1, limit=20)
    assert plain.rows.pictures is not None
    other = bench.sample(passes=1, limit=20, other=Data(source=Digits(), scaling="none"))
    assert np.array_equal(other.rows.labels, np.full(20, -1))
    assert other.rows.pictures is not None
    np.testing.assert_allclose(other.rows.pictures.astype(int), plain.rows.pictures.astype(int), atol=1)
