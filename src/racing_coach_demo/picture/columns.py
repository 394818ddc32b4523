"""A lap's channels as numbers to draw."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

type Floats = npt.NDArray[np.float64]


class Columns:
    """A lap's channels as numbers."""

    def __init__(self, frames: pa.RecordBatch | pa.Table) -> None:
        self._table = frames if isinstance(frames, pa.Table) else pa.Table.from_batches([frames])
        self.rows: int = self._table.num_rows

    def __getitem__(self, name: str) -> Floats:
        """A channel's values, NaN where there is none."""
        if name not in self._table.column_names:
            return np.full(self.rows, np.nan)
        values: Floats = self._table.column(name).cast(pa.float64()).to_numpy()
        return values
