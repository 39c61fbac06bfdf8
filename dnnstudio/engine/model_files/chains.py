"""The layers of Keras's model config as one chain: of a Sequential, of a Functional that is a plain chain, and of both
inside each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.engine.model_files.contents import MAX_LAYERS, shown
from dnnstudio.engine.model_files.layout import group_names
from dnnstudio.engine.model_files.settings import Plain, RefusedError, object_of, supported

MODELS = ("Sequential", "Functional", "Model")
"""Classes that are stacks themselves; Keras called a Functional a Model before 2.4."""
_TAMPERED = "The file is damaged or was tampered with."
_PLAIN = "Only a stack in which every layer follows one other can be opened."
_NO_EFFECT = {"mask": (None,), "training": (None, False)}
"""Arguments of a call, and the values at which they change nothing in a prediction."""


@dataclass(frozen=True, slots=True)
class Link:
    """One layer's record in the chain.

    `group` is where a Keras 3 file has its arrays, such as "sequential/dense_1". `owner` is the number of the record of
    the outermost model that it is or lies in, in which order an `.h5` file has its groups, and `name` its own name.
    `is_on` says that the layer was called with `training=True`: its dropout is active in predictions too.
    """

    record: Any
    name: str
    group: str
    owner: int
    is_nested: bool
    is_on: bool = False


def links_of(config: Plain) -> list[Link]:
    """The records of all layers from input to output, models inside it flattened. Raises `UserError`."""
    try:
        class_name, inner = object_of(_with_settings(config))
    except RefusedError as error:
        raise UserError(f"The model {error.message}", error.hint) from None
    if class_name not in MODELS:
        raise UserError(f"The model is a {shown(class_name)}, not a plain stack of layers.", supported())
    return _links(class_name, inner, prefix="", owner=None, what="The model")


def _with_settings(config: Plain) -> Plain:
    """Keras 1 stored the layers of a Sequential as a bare list."""
    inner = config.get("config")
    return config | {"config": {"layers": inner}} if isinstance(inner, list) else config


def name_in(record: Any) -> str:
    """The name of the layer in a record."""
    config = record.get("config") if isinstance(record, dict) else None
    name = config.get("name") if isinstance(config, dict) else None
    if name is None and isinstance(record, dict):
        name = record.get("name")
    return name if isinstance(name, str) else "without a name"


def _links(class_name: str, inner: Plain, *, prefix: str, owner: int | None, what: str) -> list[Link]:
    records = inner.get("layers")
    if not isinstance(records, list) or not records:
        raise UserError(f"{what} has no layers.", _TAMPERED)
    if len(records) - 1 > MAX_LAYERS:
        raise UserError(f"{what} has {count_of(len(records), 'layer')}; at most {MAX_LAYERS} can be opened.", "")
    order = list(range(len(records)))
    on: frozenset[int] = frozenset()
    if class_name != "Sequential":
        order, on = _order(inner, records, what)
    groups = group_names(_class_of(record) for record in records)
    found: list[Link] = []
    for place, number in enumerate(order):
        record, name = records[number], name_in(records[number])
        mine = number if owner is None else owner
        group = f"{prefix}{groups[number]}"
        if _class_of(record) not in MODELS:
            if prefix and not place and _class_of(record) == "InputLayer":
                continue  # of a model inside another: what comes in is the layer before
            found.append(Link(record, name, group, mine, bool(prefix), number in on))
            continue
        try:
            inside_class, inside = object_of(_with_settings(record))
        except RefusedError as error:
            raise UserError(f"The model {shown(name)} {error.message}", error.hint) from None
        if number in on:
            raise UserError(f"The model {shown(name)} inside it is called with training=True.", _PLAIN)
        more = _links(inside_class, inside, prefix=f"{group}/", owner=mine, what=f"The model {shown(name)} inside it")
        found += more
        if len(found) > MAX_LAYERS:
            raise UserError(f"The model has more than {MAX_LAYERS} layers; at most that many can be opened.", "")
    return found


def _class_of(record: Any) -> str:
    name = record.get("class_name") if isinstance(record, dict) else None
    return name.removeprefix("dnnstudio>") if isinstance(name, str) else ""


# ------------------------------------------------------------------------------------------ a Functional's graph


def _order(inner: Plain, records: list[Any], what: str) -> tuple[list[int], frozenset[int]]:
    """The numbers of the records from input to output, and of those that are called with `training=True`.

    Raises `UserError` where the graph is no chain, by what makes it none.
    """
    names = [_name_of(record) for record in records]
    places = {name: number for number, name in enumerate(names)}
    if len(places) != len(names):
        raise UserError(f"{what} has two layers of one name.", _TAMPERED)
    inputs = _ends(inner.get("input_layers"))
    outputs = _ends(inner.get("output_layers"))
    for ends, word in ((inputs, "inputs"), (outputs, "outputs")):
        if len(ends) > 1:
            raise UserError(f"{what} has {len(ends)} {word}: {_listed(ends)}.", _PLAIN)
    if len(outputs) != 1 or outputs[0] not in places:
        raise UserError(f"{what} does not say which layer is its output.", _TAMPERED)
    before: dict[int, str] = {}
    on: set[int] = set()
    for number, record in enumerate(records):
        calls = _calls(record)
        if calls is None:
            raise UserError(f"{what}: how layer {shown(names[number])} is called cannot be read.", _TAMPERED)
        if len(calls) > 1:
            raise UserError(f"{what} uses the layer {shown(names[number])} {len(calls)} times.", _PLAIN)
        for sources, arguments in calls:
            if len(sources) > 1:
                raise UserError(
                    f"In {_small(what)} layer {shown(names[number])} has {len(sources)} inputs: {_listed(sources)}.",
                    _PLAIN,
                )
            if not sources:
                continue
            before[number] = sources[0]
            if _is_on(arguments, names[number], record, what):
                on.add(number)
    chain: list[int] = []
    at: int | None = places[outputs[0]]
    while at is not None:
        if at in chain:
            raise UserError(f"{what} runs in a circle.", _TAMPERED)
        chain.append(at)
        at = places.get(before[at]) if at in before else None
    if left := [names[number] for number in range(len(records)) if number not in chain]:
        source = next((before[number] for number, name in enumerate(names) if name == left[0] and number in before), "")
        beside = f", which follows {shown(source)} beside another," if source else ""
        raise UserError(f"{what} branches: layer {shown(left[0])}{beside} does not lead to the output alone.", _PLAIN)
    return chain[::-1], frozenset(on)


def _name_of(record: Any) -> str:
    """The name by which calls refer to a layer: beside its config in a Functional."""
    name = record.get("name") if isinstance(record, dict) else None
    return name if isinstance(name, str) else name_in(record)


def _ends(value: Any) -> list[str]:
    """Names of the layers in `[["a", 0, 0]]`, `["a", 0, 0]` or `{"x": ["a", 0, 0]}`."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list) or not value:
        return []
    if isinstance(value[0], str):
        return [value[0]]
    return [str(end[0]) for end in value if isinstance(end, list) and end]


def _calls(record: Any) -> list[tuple[list[str], Plain]] | None:
    """Each call of a layer: whose outputs it takes, and the further arguments. None where that cannot be read."""
    nodes = record.get("inbound_nodes") if isinstance(record, dict) else None
    if nodes is None:
        return []
    if not isinstance(nodes, list):
        return None
    if nodes and all(isinstance(node, list) and node[:1] and isinstance(node[0], str) for node in nodes):
        nodes = [nodes]  # one node without its own list
    calls: list[tuple[list[str], Plain]] = []
    for node in nodes:
        call = _call_of_keras_3(node) if isinstance(node, dict) else _call_of_keras_2(node)
        if call is None:
            return None
        calls.append(call)
    return calls


def _call_of_keras_2(node: Any) -> tuple[list[str], Plain] | None:
    """`[["dense", 0, 0, {}]]`: layer, call and output of each input, and arguments with the first."""
    if not isinstance(node, list):
        return None
    sources: list[str] = []
    arguments: Plain = {}
    for source in node:
        if not isinstance(source, list) or not source or not isinstance(source[0], str):
            return None
        sources.append(source[0])
        if len(source) > 3 and isinstance(source[3], dict):
            arguments |= source[3]
    return sources, arguments


def _call_of_keras_3(node: Plain) -> tuple[list[str], Plain] | None:
    """`{"args": [tensor], "kwargs": {}}`, where a tensor names its layer in `keras_history`."""
    given, arguments = node.get("args"), node.get("kwargs")
    if not isinstance(given, list) or not isinstance(arguments, dict):
        return None
    sources: list[str] = []
    rest = dict(arguments)
    for value in (*given, *(rest.pop(key) for key in ("inputs", "input_tensor") if key in rest)):
        for one in value if isinstance(value, list) else [value]:
            history = one.get("config", {}).get("keras_history") if isinstance(one, dict) else None
            if not isinstance(history, list) or not history or not isinstance(history[0], str):
                return None
            sources.append(history[0])
    return sources, rest


def _is_on(arguments: Plain, name: str, record: Any, what: str) -> bool:
    """Whether a layer is called with `training=True`. Raises `UserError` for arguments that are not known."""
    on = arguments.get("training") is True
    for key, value in arguments.items():
        if key == "training" and value is True:
            continue
        if value not in _NO_EFFECT.get(key, (None,)):
            raise UserError(f"In {_small(what)} layer {shown(name)} is called with {shown(key)}.", _PLAIN)
    return on


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:4]) + (", …" if len(names) > 4 else "")


def _small(what: str) -> str:
    return what[0].lower() + what[1:]
