"""Columns of Arrow as PostgreSQL writes their cells, and back; raises Unfit where unsure."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sync.errors import Unfit

EARLIEST, LATEST = -719_162, 2_932_896
"""The first and the last day that both spell with four digits of a year, counted from 1970."""
MICROSECONDS = 86_400_000_000
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
DASHES = (8, 13, 18, 23)


def text_of(column: Any) -> Any:
    """A column's cells as COPY's text has them. Raises Unfit."""
    type_ = column.type
    if pa.types.is_string(type_):
        return column
    if pa.types.is_integer(type_):
        return column.cast(pa.string())
    if pa.types.is_boolean(type_):
        return pc.if_else(column, "t", "f")
    if pa.types.is_date32(type_):
        _check_days(column.view(pa.int32()), 1)
        return column.cast(pa.string())
    if pa.types.is_timestamp(type_):
        return _timestamps(column)
    if pa.types.is_binary(type_):
        cells = [None if each is None else f"\\x{each.hex()}" for each in column.to_pylist()]
        return pa.array(cells, pa.string())
    if type_ == pa.uuid():
        return _uuids(column)
    if isinstance(type_, pa.JsonType):
        return column.storage
    raise Unfit(f"columns of {type_} have no sure spelling")


def fits(type_: Any) -> bool:
    """Whether a type's cells can be spelled."""
    return (
        pa.types.is_string(type_)
        or pa.types.is_signed_integer(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_date32(type_)
        or pa.types.is_timestamp(type_)
        or pa.types.is_binary(type_)
        or type_ == pa.uuid()
        or isinstance(type_, pa.JsonType)
    )


def check(column: Any) -> None:
    """Raises Unfit where a column's cells are beyond what can be spelled, such as infinity."""
    if pa.types.is_date32(column.type):
        _check_days(column.view(pa.int32()), 1)
    elif pa.types.is_timestamp(column.type):
        _check_days(column.view(pa.int64()), MICROSECONDS)


def _check_days(numbers: Any, unit: int) -> None:
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is not None:
        lowest, highest = ends["min"], ends["max"]
        if lowest < EARLIEST * unit or highest >= (LATEST + 1) * unit:
            raise Unfit("a date lies before the year 1, behind 9999, or is infinite")


def _timestamps(column: Any) -> Any:
    _check_days(column.view(pa.int64()), MICROSECONDS)
    plain = column.cast(pa.timestamp("us")).cast(pa.string())
    short = pc.ascii_rtrim(pc.ascii_rtrim(plain, "0"), ".")
    return pc.binary_join_element_wise(short, "+00", "") if column.type.tz else short


def _uuids(column: Any) -> Any:
    storage = column.storage.fill_null(bytes(16))
    read = np.frombuffer(storage.buffers()[1], np.uint8)
    octets = read[16 * storage.offset : 16 * (storage.offset + len(storage))].reshape(-1, 16)
    digits = np.stack([HEX[octets >> 4], HEX[octets & 15]], 2).reshape(-1, 32)
    made = np.full((len(digits), 36), ord("-"), np.uint8)
    made[:, [place for place in range(36) if place not in DASHES]] = digits
    return _if_valid(column, from_matrix(made))


def _if_valid(column: Any, made: Any) -> Any:
    return pc.if_else(column.is_valid(), made, pa.scalar(None, made.type))


def from_matrix(letters: Any) -> Any:
    """Texts of one length each, out of a matrix of their bytes."""
    count, width = letters.shape
    offsets = pa.py_buffer((np.arange(count + 1) * width).astype(np.int32))
    content = pa.py_buffer(np.ascontiguousarray(letters))
    return pa.StringArray.from_buffers(count, offsets, content)


def typed(column: Any, type_: Any) -> Any:
    """Texts as cells of a type again. Raises Unfit."""
    try:
        return _typed(column, type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise Unfit(f"a fake is none of {type_}: {error}") from error


def _typed(column: Any, type_: Any) -> Any:
    if pa.types.is_string(type_):
        return column
    if pa.types.is_boolean(type_):
        return pc.equal(column, "t")
    if pa.types.is_timestamp(type_):
        if not type_.tz:
            return column.cast(type_)
        return pc.replace_substring_regex(column, r"\+00$", "").cast(pa.timestamp("us")).cast(type_)
    if pa.types.is_binary(type_):
        cells = [None if each is None else bytes.fromhex(each[2:]) for each in column.to_pylist()]
        return pa.array(cells, type_)
    if type_ == pa.uuid():
        cells = [None if each is None else bytes.fromhex(each.replace("-", ""))
                 for each in column.to_pylist()]  # fmt: skip
        return pa.ExtensionArray.from_storage(type_, pa.array(cells, pa.binary(16)))
    if isinstance(type_, pa.JsonType):
        return pa.ExtensionArray.from_storage(type_, column)
    return column.cast(type_)
