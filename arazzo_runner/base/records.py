"""`record`: a dataclass that is frozen for the type checker and cheap to make.

A frozen dataclass with equality costs half a millisecond to define (six generated functions),
and a run defines over a hundred: a third of a cold start. `record(slots=True)` gives a class
that behaves as that of `dataclasses.dataclass`, but shares equality, hash and repr between all
records, writes an `__init__` for those only that are made often, lists the `dataclasses.fields`
when they are asked for, and leaves frozenness to mypy, to which records.pyi says that it is
`dataclass`. `dataclasses` itself, which imports half of the standard library, is imported by then.

`field` says what `dataclasses.field` does. `replace` copies a record; it does not run `__post_init__`.
`field_names` names the fields of a record or of its class. `cached_property` is that of Python 3.12, without the
lock that `functools` takes before.
"""

from functools import cache
from operator import attrgetter

_SLOW_ONES = 32
"""So many records of a class are filled field by field; by then it pays to write an `__init__`."""


class _Missing:
    """Stands where there is no default; a signature shows it where a factory makes one."""

    def __repr__(self):  # type: ignore[no-untyped-def]
        return "<factory>"


MISSING = _Missing()


class field:
    """What is said about a field: its default or what makes it, whether it is compared, shown, given by name only."""

    __slots__ = ("compare", "default", "default_factory", "kw_only", "repr")

    def __init__(self, *, default=MISSING, default_factory=MISSING, compare=True, repr=True, kw_only=MISSING):  # type: ignore[no-untyped-def]
        self.default = default
        self.default_factory = default_factory
        self.compare = compare
        self.repr = repr
        self.kw_only = kw_only


class cached_property:
    """A property that is worked out once for each instance, when it is first asked for."""

    def __init__(self, work):  # type: ignore[no-untyped-def]
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner, name):  # type: ignore[no-untyped-def]
        self._name = name

    def __get__(self, instance, owner=None):  # type: ignore[no-untyped-def]
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._work(instance)
        return value


def record(cls=None, /, *, frozen=False, slots=False, kw_only=False):  # type: ignore[no-untyped-def]
    """Return a class decorator, as `dataclasses.dataclass` does."""

    def make(cls):  # type: ignore[no-untyped-def]
        if not slots:
            from dataclasses import dataclass

            return dataclass(frozen=frozen, kw_only=kw_only)(cls)
        own = dict(vars(cls))
        stated = {name: own.pop(name, MISSING) for name in _annotations(cls)}
        known = {each[0]: each for each in getattr(cls, "__record__", ())}
        known |= {name: _described(name, default, kw_only) for name, default in stated.items()}
        described = tuple(known.values())
        lazily = _Fields(stated, kw_only)
        own["__record__"] = described
        own["__match_args__"] = tuple(name for name, _, _, by_name, _, _ in described if not by_name)
        own["__dataclass_fields__"] = lazily
        own["__init__"] = _slow_init(described, lazily)
        own.setdefault("__repr__", _repr)
        if frozen:
            own["__eq__"] = _equals
            own["__hash__"] = own.get("__hash__") or _hash
        return _with_slots(cls, own, stated)

    return make if cls is None else make(cls)


def _annotations(cls):  # type: ignore[no-untyped-def]
    own = vars(cls)
    if "__annotations__" in own or "__annotate_func__" not in own:
        return own.get("__annotations__", {})
    return cls.__annotations__  # Python 3.14 works them out when they are asked for


def _described(name, default, kw_only):  # type: ignore[no-untyped-def]
    """Return (name, default, factory, whether it is given by name only, is compared, is shown) of a field."""
    if not isinstance(default, field):
        return name, default, MISSING, kw_only, True, True
    by_name = kw_only if default.kw_only is MISSING else default.kw_only
    return name, default.default, default.default_factory, by_name, default.compare, default.repr


def _with_slots(cls, own, stated):  # type: ignore[no-untyped-def]
    """Return the class anew with a slot for each of its own fields, as `dataclass(slots=True)` does."""
    inherited = {name for base in cls.__mro__[1:] for name in vars(base).get("__slots__", ())}
    own["__slots__"] = tuple(name for name in stated if name not in inherited)
    own.pop("__dict__", None)
    own.pop("__weakref__", None)
    made = type(cls)(cls.__name__, cls.__bases__, own)
    made.__qualname__ = cls.__qualname__
    return made


class _Fields:
    """Stands for the `__dataclass_fields__` of a record until somebody asks for them."""

    def __init__(self, stated, kw_only):  # type: ignore[no-untyped-def]
        self._stated = stated
        self._kw_only = kw_only

    def __set_name__(self, owner, name):  # type: ignore[no-untyped-def]
        self.made = owner

    def __get__(self, instance, owner):  # type: ignore[no-untyped-def]
        from dataclasses import dataclass

        made = self.made
        namespace = {name: _as_dataclass(default) for name, default in self._stated.items() if default is not MISSING}
        namespace |= {"__annotations__": dict(_annotations(made)), "__module__": made.__module__, "__doc__": ""}
        namespace |= {name: value for name, value in vars(made).items() if name == "__orig_bases__"}  # of generics
        shadow = type(made)(made.__name__, made.__bases__, namespace)
        shadow = dataclass(init=False, repr=False, eq=False, kw_only=self._kw_only)(shadow)
        made.__dataclass_params__ = shadow.__dataclass_params__
        made.__dataclass_fields__ = shadow.__dataclass_fields__
        return made.__dataclass_fields__


def _as_dataclass(default):  # type: ignore[no-untyped-def]
    """Return a default as `dataclasses` takes it."""
    if not isinstance(default, field):
        return default
    from dataclasses import field as described

    said = {name: getattr(default, name) for name in field.__slots__}
    return described(**{name: value for name, value in said.items() if value is not MISSING})


def _slow_init(described, lazily):  # type: ignore[no-untyped-def]
    """Return an `__init__` that fills field by field, and after a while puts a written one in its place."""
    ordered = sorted(described, key=_by_name)
    positional = sum(not each[3] for each in described)
    left = _SLOW_ONES

    def __init__(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        nonlocal left
        left -= 1
        if left < 0 or not _fill(self, ordered, positional, args, kwargs):
            lazily.made.__init__ = _init(lazily.made)
            lazily.made.__init__(self, *args, **kwargs)
        elif hasattr(lazily.made, "__post_init__"):
            self.__post_init__()

    return __init__


def _fill(self, ordered, positional, args, kwargs):  # type: ignore[no-untyped-def]
    """Set the fields; False when the arguments are not right, which a real `__init__` will say best."""
    count, named = len(args), 0
    if count > positional:
        return False
    for index, (name, value, factory, _, _, _) in enumerate(ordered):
        if index < count:
            value = args[index]  # when it is given by name too, `named` will tell
        elif name in kwargs:
            value, named = kwargs[name], named + 1
        elif factory is not MISSING:
            value = factory()
        elif value is MISSING:
            return False
        setattr(self, name, value)
    return named == len(kwargs)


def _by_name(described):  # type: ignore[no-untyped-def]
    return described[3]


def _init(made):  # type: ignore[no-untyped-def]
    """Write the `__init__` that `dataclass` would; like there, only names of fields become code."""
    names = {"MISSING": MISSING}
    parameters = {False: ["self"], True: ["*"]}
    lines = []
    for name, default, factory, by_name, _, _ in made.__record__:
        given = name
        if default is not MISSING:
            names[f"default_{name}"] = default
            given = f"{name}=default_{name}"
        elif factory is not MISSING:
            names[f"make_{name}"] = factory
            given = f"{name}=MISSING"
            lines.append(f" if {name} is MISSING: {name} = make_{name}()")
        parameters[by_name].append(given)
        lines.append(f" self.{name} = {name}")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    listed = parameters[False] + (parameters[True] if len(parameters[True]) > 1 else [])
    written = "\n".join([f"def __init__({', '.join(listed)}):", *lines, " return None"])
    exec(written, names)
    return names["__init__"]


def replace(value, /, **changes):  # type: ignore[no-untyped-def]
    """Return a copy of a record with some fields changed; `dataclasses.replace` takes five times as long."""
    made = object.__new__(value.__class__)
    for name in field_names(made):
        setattr(made, name, changes.pop(name) if name in changes else getattr(value, name))
    if changes:
        raise TypeError(f"{type(made).__qualname__} has no field {next(iter(changes))}")
    return made


def field_names(value, /):  # type: ignore[no-untyped-def]
    """Return the names of the fields of a record, or of a class of records."""
    return [described[0] for described in value.__record__]


def _compared(value):  # type: ignore[no-untyped-def]
    return _comparing(value.__class__)(value)


@cache
def _comparing(made):  # type: ignore[no-untyped-def]
    """Return what gives the fields of a record that are compared."""
    names = [name for name, _, _, _, compared, _ in made.__record__ if compared]
    return attrgetter(*names) if names else _nothing


def _nothing(value):  # type: ignore[no-untyped-def]
    return ()


def _equals(self, other):  # type: ignore[no-untyped-def]
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self is other or _compared(self) == _compared(other)


def _hash(self):  # type: ignore[no-untyped-def]
    return hash(_compared(self))


def _repr(self):  # type: ignore[no-untyped-def]
    names = [name for name, _, _, _, _, shown in self.__record__ if shown]
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
    return f"{type(self).__qualname__}({shown})"
