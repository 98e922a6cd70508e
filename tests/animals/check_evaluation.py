"""Opens the pickles of files_test's second Oracle test with DeepLabCut's evaluation."""
import pathlib, pickle, sys
import numpy as np, pandas as pd
from deeplabcut.core import crossvalutils
from deeplabcut.pose_estimation_tensorflow.core.evaluate_multianimal import _calc_prediction_error

ours = pathlib.Path(sys.argv[1])
load = lambda name: pickle.loads((ours / name).read_bytes())
data, metadata = load("e_full.pickle"), load("e_meta.pickle")
assert list(data) == [("labeled-data", "v", "img0.png"), ("labeled-data", "v", "img3.png"), "metadata"]
assert data["metadata"]["stride"] == 8 and data[("labeled-data", "v", "img3.png")]["index"] == 3
assert metadata["data"]["trainIndices"].tolist() == [0] and metadata["data"]["DLC-model-config file"]["stride"] == 8.0
assert metadata["data"]["DLC-model-config file"]["location_refinement"] is True
row = data[("labeled-data", "v", "img3.png")]["groundtruth"][2]
assert row["me", "mia", "ear", "y"] == 7 and np.isnan(row["me", "ada", "ear", "x"])
(within, _), (between, _) = crossvalutils._calc_within_between_pafs(data, metadata)
assert within == {0: [0.5]} and between == {0: [0.25]}, (within, between)
first = _calc_prediction_error(data)[0]
assert np.allclose(np.sort(first[:, 0])[:2], [np.hypot(0.125, 0), np.hypot(0.5, 0.25)]), first
video = load("v_meta.pickle")["data"]
assert video["run_duration"] == 1.5 and video["frame_dimensions"] == (48, 64) and video["cropping"] is False
assert video["cropping_parameters"] == [0, 64, 0, 48] and video["Scorer"] == "DLC_x"

# The tables, put together the way evaluate_multianimal_full does it.
nan = np.nan
index = pd.MultiIndex.from_tuples([("me", i, b) for i in ("mia", "ada") for b in ("nose", "ear")] + [("me", "single", "lamp")],
                                  names=["scorer", "individuals", "bodyparts"])
dist = np.array([[0.5, 1.25, nan, 2, 3], [nan, 4, 5, nan, nan]])
conf = np.array([[0.5, 0.25, nan, 0.125, 1], [nan, 0.75, 0.5, nan, nan]])
xy = np.array([[[1, 2], [3, 4], [nan, nan], [5, 6], [7, 8]], [[nan, nan], [3.5, 4.5], [1.5, 2], [nan, nan], [nan, nan]]])
joint = pd.concat([pd.DataFrame(dist, columns=index), pd.DataFrame(conf, columns=index)], keys=["rmse", "conf"],
                  names=["metrics"], axis=1)
joint = joint.reorder_levels(list(np.roll(joint.columns.names, -1)), axis=1)
joint.sort_index(axis=1, level=["individuals", "bodyparts"], ascending=[True, True], inplace=True)
joint.to_csv(ours / "expected.csv")
assert (ours / "expected.csv").read_text() == (ours / "dist_7.csv").read_text(), (ours / "dist_7.csv").read_text()
columns = pd.MultiIndex.from_tuples([(*t, c) for t in index for c in ("x", "y", "conf")], names=[*index.names, "coordinates"])
expected = pd.DataFrame(np.concatenate((xy, conf[..., None]), axis=-1).reshape(2, -1), columns=columns)
pd.testing.assert_frame_equal(pd.read_hdf(ours / "predicted_poses_7.h5"), expected, check_index_type=False)
