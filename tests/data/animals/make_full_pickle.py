"""Makes full.pickle as DeepLabCut 3.0.2 pickles detections (protocol 5, NumPy 1.26 arrays): two frames of three."""
import pickle
import numpy as np

f = np.float32
frame = lambda *a: {"coordinates": (list(a[0]),), "confidence": list(a[1]), "costs": a[2], "identity": list(a[3])}
data = {
    "metadata": {
        "nms radius": 5.0, "minimal confidence": 0.01, "sigma": 1, "PAFgraph": [[0, 1], [1, 2]], "PAFinds": np.arange(2),
        "all_joints": [[0], [1], [2]], "all_joints_names": ["nose", "ear", "tail"], "nframes": 12,
    },
    "frame00": frame(
        [np.array([[1.5, 2.25], [30, 40]]), np.array([[5.125, 6]]), np.empty((0, 2))],
        [np.array([[0.9], [0.5]], f), np.array([[0.75]], f), np.empty((0, 1), f)],
        {0: {"m1": np.array([[0.5], [0.25]], f), "distance": np.array([[3], [4]], f)},
         1: {"m1": np.empty((0, 0), f), "distance": np.empty((0, 0), f)}},
        [np.array([[0.1, 0.9], [0.8, 0.2]], f), np.array([[0.3, 0.7]], f), np.empty((0, 2), f)]),
    "frame11": frame(
        [np.empty((0, 2)), np.empty((0, 2)), np.array([[7, 8.5]])],
        [np.empty((0, 1), f), np.empty((0, 1), f), np.array([[0.625]], f)],
        {k: {"m1": np.empty((0, 0), f), "distance": np.empty((0, 0), f)} for k in range(2)},
        [np.empty((0, 2), f), np.empty((0, 2), f), np.array([[1, 0]], f)]),
}
with open("full.pickle", "wb") as file:
    pickle.dump(data, file, pickle.HIGHEST_PROTOCOL)
