"""Frozen dataclasses to JSON values and back; an unknown key is an error."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A dataclass as a dict of JSON values: nested dataclasses become dicts, tuples become lists.

    Raises TypeError on a value JSON cannot hold.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(held) for key, held in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, tuple | list):
        return [to_json(held) for held in cast("list[Any]", value)]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} {value!r} is not a JSON value")


def from_json(cls: type[T], values: Mapping[str, Any]) -> T:
    """The dataclass that ``to_json`` wrote.

    Raises ValueError on an unknown key, a missing key that has no default, and a value of the wrong type.
    """
    return cast("T", _built(cls, values, cls.__name__))


def _built(cls: type[Any], values: object, where: str) -> object:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} must be an object, not {_named(values)}")
    given = cast("Mapping[str, Any]", values)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    unknown = [str(key) for key in given if key not in fields]
    if unknown:
        raise ValueError(f"{where} does not know {', '.join(unknown)}; it knows {', '.join(fields)}")
    missing = [name for name, field in fields.items() if name not in given and _required(field)]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    hints = get_type_hints(cls)
    return cls(**{name: _value(hints[name], held, f"{where}.{name}") for name, held in given.items()})


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(hint: Any, value: Any, where: str) -> Any:
    """``value`` as the type ``hint`` says."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in {Union, types.UnionType}:
        return _one_of(inner, value, where)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in inner):
            raise ValueError(f"{where} must be one of {', '.join(map(repr, inner))}, not {value!r}")
        return value
    if dataclasses.is_dataclass(hint):
        return _built(cast("type[Any]", hint), value, where)
    if origin in {tuple, list} or hint in {tuple, list}:
        return _sequence(hint, value, where)
    if origin is dict or hint is dict:
        return _mapping(inner, value, where)
    return _scalar(hint, value, where)


def _one_of(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in choices:
        return None
    real = [choice for choice in choices if choice is not type(None)]
    problems: list[ValueError] = []
    for choice in sorted(real, key=lambda choice: choice is float):  # 30 stays an int where int | float is asked for
        try:
            return _value(choice, value, where)
        except ValueError as error:
            problems.append(error)
    raise problems[0] if len(real) == 1 else ValueError(f"{where} must not be {_named(value)}")


def _sequence(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} must be a list, not {_named(value)}")
    held, kind, inner = cast("list[Any]", value), get_origin(hint) or hint, get_args(hint)
    if kind is tuple and inner and inner[-1] is not Ellipsis:
        if len(held) != len(inner):
            raise ValueError(f"{where} must have {len(inner)} entries, not {len(held)}")
        return tuple(_value(each, one, f"{where}[{i}]") for i, (each, one) in enumerate(zip(inner, held, strict=True)))
    each = inner[0] if inner else Any
    values = [_value(each, one, f"{where}[{i}]") for i, one in enumerate(held)]
    return tuple(values) if kind is tuple else values


def _mapping(inner: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object, not {_named(value)}")
    each = inner[1] if inner else Any
    return {str(key): _value(each, one, f"{where}.{key}") for key, one in cast("Mapping[Any, Any]", value).items()}


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in {int, float, str, bool, type(None)}:
        if type(value) is not hint:
            raise ValueError(f"{where} must be a {hint.__name__}, not {_named(value)}")
        return value
    raise TypeError(f"{where} has the type {hint}, which JSON cannot hold")


def _named(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
