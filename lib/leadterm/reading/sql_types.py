"""Types of Arrow in which SQL gets columns of files."""

from typing import Any

import pyarrow as pa

_FAMILIES = (
    (pa.types.is_boolean, pa.bool_()),
    (pa.types.is_uint64, pa.decimal128(20, 0)),
    (pa.types.is_unsigned_integer, pa.int64()),
    (pa.types.is_float16, pa.float32()),
    (lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind), None),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), pa.string()),
    (pa.types.is_string_view, pa.string()),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), pa.binary()),
    (pa.types.is_date, pa.date32()),
    (lambda kind: pa.types.is_decimal(kind) and kind.precision <= 38, None),
)
"""Types of Arrow, and those in which SQL gets them; None: as they are."""


def sql_type(kind: Any) -> Any:
    """Give the Arrow type in which SQL gets a column; None if it has no such type.

    Examples
    --------
    >>> sql_type(pa.list_(pa.uint16())), sql_type(pa.time32("s"))
    (ListType(list<item: int64>), None)
    """
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = sql_type(kind.value_type)
        return None if inner is None else pa.list_(inner)
    if pa.types.is_struct(kind):
        fields = [(kind.field(i).name, sql_type(kind.field(i).type)) for i in range(kind.num_fields)]
        return pa.struct([(name, inner) for name, inner in fields if inner is not None])
    return next((kind if taken is None else taken for is_kind, taken in _FAMILIES if is_kind(kind)), None)
