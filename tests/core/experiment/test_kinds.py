"""Kinds enter their table when their class is defined, and state all that others must know of them."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import pytest
from pydantic import ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import from_plain, to_plain
from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.fields import Option, option, option_kinds
from dnnstudio.core.experiment.kinds import Family, Kinded
from dnnstudio.core.experiment.layers import LAYER_KINDS, Dense, Dropout, DropoutLayer, Layer, Role
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, Adam, Optimizer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Phase, Transfer


class Fruit(Kinded):
    kinds: ClassVar[Family[Self]] = Family("fruit")
    required_traits = ("sweet",)
    sweet: ClassVar[bool]


class Berry(Fruit):
    """A base of kinds, and none itself."""

    sweet = True
    grams: int = option(100, title="Weight", help="Its weight.", ge=1)


class Quince(Fruit):
    kind: Literal["quince"] = "quince"
    sweet = False


class Apple(Fruit):
    kind: Literal["apple"] = "apple"
    sweet = True


class Grape(Berry, late=True):
    kind: Literal["grape"] = "grape"


class Basket(Option):
    fruit: Fruit = option(Apple(), title="Fruit", help="What lies in it.")


class Shop(Option):
    baskets: tuple[Basket, ...] = option((), title="Baskets", help="What it sells.")


GRAPES = '{"baskets": [{"fruit": {"kind": "grape", "grams": 7}}]}'


def test_kinds_enter_in_the_order_of_their_definitions_and_bases_do_not() -> None:
    assert dict(Fruit.kinds) == {"quince": Quince, "apple": Apple}
    assert option_kinds(Basket.model_fields["fruit"].annotation) == Fruit.kinds
    assert isinstance(Basket.model_validate({"fruit": {"kind": "quince"}}).fruit, Quince)


def test_a_late_kind_is_known_to_all_records_around_it_until_it_goes() -> None:
    Shop.model_validate_json("{}")
    with Fruit.kinds.added(Grape):
        assert Shop.model_validate_json(GRAPES).baskets[0].fruit == Grape(grams=7)
        assert list(Fruit.kinds) == ["quince", "apple", "grape"]
        with pytest.raises(ValidationError) as refused:
            Basket.model_validate_json('{"fruit": {"kind": "grape", "grams": 0}}')
        assert refused.value.errors()[0]["loc"] == ("fruit", "grape", "grams")
    with pytest.raises(ValidationError, match="expected tags: 'quince', 'apple'"):
        Shop.model_validate_json(GRAPES)


def test_a_late_kind_goes_also_where_its_use_failed() -> None:
    with pytest.raises(ZeroDivisionError), Fruit.kinds.added(Grape):
        raise ZeroDivisionError
    assert "grape" not in Fruit.kinds


def test_a_late_kind_has_its_place_in_the_menu() -> None:
    class Curve(Layer, late=True):
        kind: Literal["curve"] = "curve"
        role = Role.ACTIVATION
        group = "Core"
        wants_images = elementwise = passes_zero = compiled = False

    before = list(LAYER_KINDS)
    with Layer.kinds.added(Curve):
        core = sum(LAYER_KINDS[name].group == "Core" for name in before)
        assert list(LAYER_KINDS) == [*before[:core], "curve", *before[core:]]
        plain = to_plain(Experiment(layers=(Dense(id="d", units=1),)))
        plain["layers"].append({"kind": "curve", "id": "c"})
        assert from_plain(plain, name="The experiment").layers[1] == Curve(id="c")
    assert list(LAYER_KINDS) == before


def test_a_late_kind_states_its_traits_and_has_a_kind_of_its_own_too() -> None:
    with pytest.raises(TypeError, match="The fruit Lemon does not state sweet"):

        class Lemon(Fruit, late=True):
            kind: Literal["lemon"] = "lemon"

    with pytest.raises(TypeError, match='The fruit Russet has the kind "apple" of Apple'):

        class Russet(Apple, late=True):
            pass

    with Fruit.kinds.added(Grape), pytest.raises(TypeError, match='has the kind "grape" of Grape'):
        Fruit.kinds.enter(Grape)


def test_a_kind_without_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match="The fruit Nameless has no kind"):

        class Nameless(Fruit):
            kind: str
            sweet = True


def test_an_optimizer_without_a_trait_is_refused_where_it_is_defined() -> None:
    with pytest.raises(TypeError, match="The optimizer Hasty does not state highest_rate, slots"):

        class Hasty(Optimizer):
            kind: Literal["hasty"] = "hasty"
            keeps_zero = True

    assert "hasty" not in OPTIMIZER_KINDS


def test_a_layer_without_a_trait_is_refused_where_it_is_defined() -> None:
    with pytest.raises(TypeError, match="The layer Bare does not state role, wants_images, elementwise, passes_zero"):

        class Bare(Layer):
            kind: Literal["bare"] = "bare"

    with pytest.raises(TypeError, match="The layer Drops does not state noise, monte_carlo_class, keeps_selu"):

        class Drops(DropoutLayer):
            kind: Literal["drops"] = "drops"
            wants_images = passes_zero = compiled = False


def test_a_layer_with_a_kernel_has_the_options_of_one() -> None:
    with pytest.raises(TypeError, match=r"too late|has a kernel, but no activation, kernel_initializer"):

        class Half(Layer):
            kind: Literal["half"] = "half"
            role = Role.KERNEL
            wants_images = elementwise = passes_zero = compiled = False


def test_a_kind_that_is_taken_is_refused() -> None:
    with pytest.raises(TypeError, match=r'The layer Other has the kind "dense" of Dense\. Use another\.'):

        class Other(Dense):
            pass


def test_a_kind_that_comes_too_late_is_refused_instead_of_missing_in_forms_and_files() -> None:
    with pytest.raises(TypeError, match="The optimizer Late is defined too late for the experiment to know it"):

        class Late(Optimizer):
            kind: Literal["late"] = "late"
            highest_rate = None
            keeps_zero = True

            def slots(self) -> int:
                return 0


def test_the_tables_are_in_the_order_of_the_menus() -> None:
    assert list(OPTIMIZER_KINDS) == [
        "sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax", "nadam", "lion", "muon",
    ]  # fmt: skip
    assert list(LAYER_KINDS) == [
        "input", "flatten", "reshape", "dense", "permute", "repeat_vector", "identity", "batch_normalization",
        "normalization", "rescaling", "layer_normalization", "group_normalization", "activation",
        "leaky_relu", "prelu", "elu", "dropout", "spatial_dropout2d", "alpha_dropout", "gaussian_dropout",
        "gaussian_noise", "activity_regularization", "conv2d", "max_pooling2d", "average_pooling2d",
        "global_average_pooling2d", "global_max_pooling2d", "depthwise_conv2d", "separable_conv2d", "up_sampling2d",
        "zero_padding2d", "conv1d", "max_pooling1d", "average_pooling1d", "global_average_pooling1d",
        "global_max_pooling1d",
    ]  # fmt: skip


def test_what_monte_carlo_sampling_keeps_on_is_what_has_the_switch() -> None:
    found = {kind for kind, cls in LAYER_KINDS.items() if cls.is_dropout}
    assert found == {kind for kind, cls in LAYER_KINDS.items() if "monte_carlo" in cls.model_fields}
    assert found == {"dropout", "spatial_dropout2d", "alpha_dropout", "gaussian_dropout"}


# ---------------------------------------------------------------------- the clipping of a phase's own optimizer


def with_phase(optimizer: Optimizer) -> Experiment:
    phases = (Phase(epochs=1), Phase(epochs=1, optimizer=optimizer))
    return Experiment(layers=(Dropout(id="d", rate=0.1),), transfer=Transfer(source="run", phases=phases))


def test_two_clippings_in_a_phase_are_refused_in_a_file() -> None:
    plain = to_plain(with_phase(Adam(clipnorm=1.0)))
    plain["transfer"]["phases"][1]["optimizer"]["clipvalue"] = 0.5
    with pytest.raises(UserError) as caught:
        from_plain(plain, name="The experiment")
    assert "transfer.phases[1].optimizer has clipnorm and clipvalue; at most one clipping may be set" in str(
        caught.value
    )


def test_two_clippings_in_a_phase_are_refused_by_an_edit() -> None:
    experiment = with_phase(Adam(clipnorm=1.0))
    with pytest.raises(UserError, match=r"transfer\.phases\[1\]\.optimizer has clipnorm and global_clipnorm"):
        set_value(experiment, "transfer.phases[1].optimizer.global_clipnorm", 1.0)
    with pytest.raises(ValueError, match="at most one clipping may be set"):
        with_phase(Adam(clipnorm=1.0, clipvalue=1.0))
