"""Opens the pickles of files_test's second Oracle test with DeepLabCut's evaluation."""
import pathlib, pickle, sys
import numpy as np
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
