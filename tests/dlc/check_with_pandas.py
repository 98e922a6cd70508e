"""Reads the files of h5_test's Oracle test with pandas: same values, columns and index as pandas' own."""
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import tables

warnings.simplefilter("error", tables.exceptions.FlavorError)
folder = Path(sys.argv[1])
parts = ["wrist", "Ellbogen ä", "arm"]
columns = pd.MultiIndex.from_product(
    [["DLC_resnet50_reachJul3shuffle1_10"], parts, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
)
nan = float("nan")
values = [[1.5 + r, 2, 0.1, nan, nan, nan, -3, 1e-5, 0.99999] for r in range(3)]
index = pd.MultiIndex.from_tuples([("labeled-data", "12" if r == 1 else "clip", f"img{9 - r}.png") for r in range(3)])
labelled = pd.DataFrame(values, index=index, columns=columns, dtype=float)
numbered = pd.DataFrame(values, columns=columns, dtype=float)

pd.testing.assert_frame_equal(pd.read_hdf(folder / "fixed.h5"), labelled, check_exact=True)
pd.testing.assert_frame_equal(pd.read_hdf(folder / "numbers.h5"), numbered, check_exact=True, check_index_type="equiv")
pd.testing.assert_frame_equal(pd.read_hdf(folder / "table.h5"), numbered, check_exact=True, check_index_type="equiv")
assert pd.read_hdf(folder / "fixed.h5").index.names == [None, None, None]

# The files pandas itself makes of the same tables: the same csv, byte for byte, and the same HDF5 attributes.
labelled.to_csv(folder / "theirs.csv")
assert (folder / "theirs.csv").read_bytes() == (folder / "fixed.csv").read_bytes()
numbered.to_csv(folder / "theirs.csv")
assert (folder / "theirs.csv").read_bytes() == (folder / "table.csv").read_bytes()


def attributes(path):
    found = {}
    with tables.open_file(path) as file:
        for node in file.walk_nodes("/"):
            if "_i_table" in node._v_pathname:
                continue
            for name in node._v_attrs._v_attrnames:
                value = node._v_attrs[name]
                found[node._v_pathname, name] = value.tolist() if isinstance(value, np.generic) else value
    return found


labelled.to_hdf(folder / "theirs.h5", key="df_with_missing", mode="w")
theirs, ours = attributes(folder / "theirs.h5"), attributes(folder / "fixed.h5")
assert theirs == ours, {k: (theirs.get(k), ours.get(k)) for k in theirs.keys() | ours.keys() if theirs.get(k) != ours.get(k)}
numbered.to_hdf(folder / "theirs2.h5", key="df_with_missing", mode="w", format="table")
theirs, ours = attributes(folder / "theirs2.h5"), attributes(folder / "table.h5")
assert theirs == ours, {k: (theirs.get(k), ours.get(k)) for k in theirs.keys() | ours.keys() if theirs.get(k) != ours.get(k)}
# A table grows as pandas' own does.
numbered.to_hdf(folder / "table.h5", key="df_with_missing", mode="a", format="table", append=True)
assert len(pd.read_hdf(folder / "table.h5")) == 6
print("pandas", pd.__version__, "reads all of it")
