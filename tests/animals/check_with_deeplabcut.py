"""Opens the files of files_test's Oracle test with DeepLabCut, stitches the tracklets and compares the tables."""
import pathlib, pickle, sys
import numpy as np, pandas as pd
from deeplabcut.core.inferenceutils import Assembler
from deeplabcut.refine_training_dataset.stitch import TrackletStitcher

ours = pathlib.Path(sys.argv[1])
stored = pathlib.Path(__file__).parent.parent / "data/animals/full.pickle"


def same(a, b):
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and not isinstance(b, np.ndarray):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(b, np.ndarray):
        a = np.asarray(a)
        return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


mine, theirs = pickle.loads((ours / "v_full.pickle").read_bytes()), pickle.loads(stored.read_bytes())
theirs["metadata"]["PAFinds"] = theirs["metadata"]["PAFinds"].tolist()
assert same(mine, theirs), (mine, theirs)
assert Assembler(mine, max_n_individuals=2, n_multibodyparts=3)._assemble(mine["frame00"], 0) is not None

assembler = Assembler(mine, max_n_individuals=2, n_multibodyparts=3)
assembler.from_pickle(ours / "v_assemblies.pickle")
assert sorted(assembler.assemblies) == list(range(12)) and sorted(assembler.unique) == list(range(0, 12, 2))
assert assembler.assemblies[3][0].shape == (3, 4) and assembler.assemblies[3][0][1, 0] == 11

stitcher = TrackletStitcher.from_pickle(str(ours / "v_el.pickle"), 2, 5)
assert isinstance(stitcher.header, pd.MultiIndex) and list(stitcher.header.names) == ["scorer", "bodyparts", "coords"]
stitcher.build_graph()
stitcher.stitch()
stitcher.write_tracks(str(ours / "theirs.h5"), animal_names=["mia", "ada"], save_as_csv=True)
expected, found = pd.read_hdf(ours / "theirs.h5"), pd.read_hdf(ours / "v_el.h5")
pd.testing.assert_frame_equal(expected, found, check_index_type=False)
with pd.HDFStore(ours / "v_el.h5", "r") as store:
    assert store.keys() == ["/tracks"], store.keys()
assert (ours / "theirs.csv").read_text() == (ours / "v_el.csv").read_text()
