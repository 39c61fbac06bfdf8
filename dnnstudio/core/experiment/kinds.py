"""Registries of record classes: a class with a `kind` registers itself in its family when it is defined.

So an addition is one class in one file. The package of a family imports all its modules and closes the registry; forms,
menus, files, schema, checks and the engine read it from there. A class that leaves out a required fact about its kind
(a trait) is refused when it is defined, instead of being treated by a guess later.

A field that accepts any kind of a family is annotated with the family's base class:

    class Source(Kinded):
        kinds: ClassVar[Family[Self]] = Family("source")

    class Csv(Source):
        kind: Literal["csv"] = "csv"

    class Data(Option):
        source: Source

The field is validated as the union of the kinds, discriminated by `kind`.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeVar, Union

from pydantic import BaseModel, Discriminator, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from dnnstudio.core.experiment.fields import Option, option_kinds

T = TypeVar("T", bound=Option)


class Family(Mapping[str, type[T]], Generic[T]):
    """Registry of one family of records, such as all layers: kind in the file → class, in menu order."""

    def __init__(self, what: str) -> None:
        """`what` is the family's name in the singular, for error messages about a class: "layer"."""
        self._what = what
        self._kinds: dict[str, type[T]] = {}
        self._order: Callable[[type[T]], int] | None = None
        self._closed = False
        self._in_use = False
        """Whether some record's rules were already built from the kinds that were there."""

    def __getitem__(self, kind: str) -> type[T]:
        return self._kinds[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def enter(self, cls: type[T], *, late: bool = False) -> None:
        """Register a class that was just defined; one without a field `kind` is an abstract base and only validated.

        A `late` class is validated and waits for `added`. Raises `TypeError` for a class without all its
        `required_traits`, for a kind in use, and for a class that is not `late` once the registry is closed: it was
        defined where nothing imports it, and would be missing from forms and files.
        """
        field = cls.model_fields.get("kind")
        if field is None:
            return
        if not isinstance(field.default, str):
            raise TypeError(f'The {self._what} {cls.__name__} has no kind. Give it `kind: Literal["…"] = "…"`.')
        missing = [name for name in getattr(cls, "required_traits", ()) if not hasattr(cls, name)]
        if missing:
            raise TypeError(
                f"The {self._what} {cls.__name__} does not state {', '.join(missing)}. Set it in the class."
            )
        if field.default in self._kinds:
            taken = self._kinds[field.default].__name__
            raise TypeError(f'The {self._what} {cls.__name__} has the kind "{field.default}" of {taken}. Use another.')
        if late:
            return
        if self._closed:
            raise TypeError(
                f"The {self._what} {cls.__name__} is defined too late for the experiment to know it. "
                f"Put it into a module beside the other {self._what}s."
            )
        self._kinds[field.default] = cls

    def close(self, package: str, *, order: Callable[[type[T]], int] | None = None) -> Self:
        """Import every module of `package` (which is itself being imported) and accept no class after that.

        The registry is in definition order, sorted by `order` if given.
        """
        for module in pkgutil.iter_modules(sys.modules[package].__path__):
            importlib.import_module(f"{package}.{module.name}")
        self._closed, self._order = True, order
        self._sort()
        return self

    @contextmanager
    def added(self, cls: type[T]) -> Iterator[None]:
        """Within the block, a class defined with `late=True` is one of the kinds: for tests and experiments.

        All records with a field of the family accept it; a `TypeAdapter` used before and tables derived from the kinds
        do not. Raises `TypeError` if its kind is in use.
        """
        self.enter(cls, late=True)
        kind = cls.model_fields["kind"].default
        self._kinds[kind] = cls
        self._sort()
        self._renew(cls)
        try:
            yield
        finally:
            del self._kinds[kind]
            self._renew(cls)

    def union_schema(self, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's core schema for a field that accepts any of the kinds."""
        self._in_use = True
        union: Any = Union[tuple(self._kinds.values())]  # noqa: UP007 - its members are known only now
        return handler.generate_schema(Annotated[union, Discriminator("kind")])

    def _sort(self) -> None:
        order = self._order
        if order is not None:
            self._kinds = dict(sorted(self._kinds.items(), key=lambda item: order(item[1])))

    def _renew(self, changed: type[T]) -> None:
        """Rebuild the schemas of all records that hold the family, inner records first, after a kind was added or
        removed.
        """
        if not self._in_use:
            return
        members = {*self._kinds.values(), changed}
        holds: dict[type[BaseModel], bool] = {}

        def renew(model: type[BaseModel]) -> bool:
            """Rebuild a record's schema if it can hold one of the family, and return whether it can."""
            if model not in holds:
                holds[model] = False  # while it is looked at: a record may hold its own like
                fields = model.model_fields.values()
                inner = {kind for field in fields for kind in option_kinds(field.annotation).values()}
                found = [kind in members or renew(kind) for kind in inner]  # all of them, so that each is renewed
                holds[model] = any(found)
                if holds[model]:
                    model.model_rebuild(force=True)
            return holds[model]

        for model in _below(BaseModel):
            renew(model)


class Kinded(Option):
    """Base of a family's base class, which defines its own `kinds` and is accepted as any of them.

    A class defined with `late=True` becomes a kind only within `Family.added`.
    """

    kinds: ClassVar[Family[Any]]
    required_traits: ClassVar[tuple[str, ...]] = ()
    """The traits that each kind must state; none has a default, as any would be wrong for some kind."""

    if TYPE_CHECKING:

        @property
        def kind(self) -> str:
            """The kind in the file; each kind has it as a field."""

    def __init_subclass__(cls, *, late: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)  # `late` is for the hook below, which runs when the fields are known

    @classmethod
    def __pydantic_init_subclass__(cls, *, late: bool = False, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        if Kinded not in cls.__bases__:  # the family's base itself
            cls.kinds.enter(cls, late=late)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        own = vars(cls).get("kinds")
        return own.union_schema(handler) if isinstance(own, Family) else handler(source)


def _below(cls: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in cls.__subclasses__():
        yield kind
        yield from _below(kind)
