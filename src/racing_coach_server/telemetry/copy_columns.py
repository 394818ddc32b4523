"""What PostgreSQL sent of a channel, as a canonical column."""

from typing import cast

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column
from racing_coach_server.telemetry.copy_format import UNIX_TO_POSTGRESQL_US


def column_of(values: np.ndarray, nulls: np.ndarray | None, kind: pa.DataType) -> Column:
    """PostgreSQL's numbers, and where there are none, as a canonical column."""
    if pa.types.is_timestamp(kind):
        moments = pa.array(values.astype(np.int64) + UNIX_TO_POSTGRESQL_US, pa.int64(), mask=nulls)
        return cast("Column", moments.view(kind))
    native = np.dtype(np.bool_) if pa.types.is_boolean(kind) else values.dtype.newbyteorder("=")
    return cast("Column", pa.array(values.astype(native), kind, mask=nulls))
