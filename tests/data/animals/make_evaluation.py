"""Makes evaluation.json: labels, detections, and what DeepLabCut 3.0.2 makes of them: matched peaks, candidate
skeletons, their scores. Run with a Python that has deeplabcut[tf]==3.0.2: python make_evaluation.py > evaluation.json"""
import copy, itertools, json, sys, os, warnings
import multiprocessing
import numpy as np, pandas as pd
warnings.simplefilter("ignore")
multiprocessing.set_start_method("spawn")
from deeplabcut.core import crossvalutils
from deeplabcut.core.crossvalutils import find_closest_neighbors

ANIMALS, JOINTS, FRAMES = 3, 5, 8
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(SEED + 7)
graph = [list(e) for e in itertools.combinations(range(JOINTS), 2)]
names = [f"j{j}" for j in range(JOINTS)]
shape = rng.uniform(-30, 30, (JOINTS, 2))
f = lambda x: np.round(np.float32(x), 3).astype(np.float32)
index = pd.MultiIndex.from_product([["s"], [f"a{a}" for a in range(ANIMALS)], names, ["x", "y"]],
                                   names=["scorer", "individuals", "bodyparts", "coords"])
data, neighbours = {}, []
for n in range(FRAMES):
    labels = np.full((ANIMALS, JOINTS, 2), np.nan)
    peaks, owner = [[] for _ in range(JOINTS)], [[] for _ in range(JOINTS)]
    for a in range(ANIMALS if n != 2 else 1):
        centre = rng.uniform(60, 220, 2)
        for j in range(JOINTS):
            at = shape[j] + centre
            if rng.random() > 0.1:
                labels[a, j] = np.round(at + rng.normal(0, 2, 2), 2)
            if rng.random() > 0.1:
                peaks[j].append(np.round(at, 3))
                owner[j].append(a)
    for j in range(JOINTS):
        for _ in range(rng.poisson(0.5)):
            peaks[j].append(np.round(rng.uniform(0, 280, 2), 3))
            owner[j].append(-1)
    costs = {}
    for k, (s, t) in enumerate(graph):
        p, q = len(peaks[s]), len(peaks[t])
        p, q = (p, q) if p and q else (0, 0)
        own = np.array([[owner[s][i] == owner[t][j] >= 0 for j in range(q)] for i in range(p)], float).reshape(p, q)
        costs[k] = {"m1": f(np.clip((0.2 + 0.05 * k) * own + rng.normal(0.3, 0.2, (p, q)), 0, 1)),
                    "distance": np.ones((p, q), np.float32)}
    prediction = {"coordinates": ([np.array(x).reshape(-1, 2) for x in peaks],),
                  "confidence": [f(rng.uniform(0.05, 1, (len(x), 1))) for x in peaks], "costs": costs}
    data[f"img{n}"] = {"index": n, "prediction": prediction,
                       "groundtruth": [None, None, pd.Series(labels.ravel(), index=index)]}
    found = np.full((ANIMALS, JOINTS), -1)
    for j in range(JOINTS):
        there = np.flatnonzero(~np.isnan(labels[:, j]).any(axis=1))
        xy = prediction["coordinates"][0][j]
        if there.size and xy.size:
            found[there, j] = find_closest_neighbors(labels[there, j], xy, k=3)
    neighbours.append(found.tolist())
data["metadata"] = {"PAFgraph": graph, "PAFinds": np.arange(len(graph)), "all_joints_names": names}
train, test = [0, 2, 3, 4, 6], [1, 5, 7]
metadata = {"data": {"trainIndices": train, "testIndices": test}}
limbs, separability = crossvalutils._get_n_best_paf_graphs(copy.deepcopy(data), metadata, graph, n_graphs=4)
config = {"individuals": [f"a{a}" for a in range(ANIMALS)], "uniquebodyparts": [], "multianimalbodyparts": names}
out, err = sys.stdout, sys.stderr
sys.stdout = sys.stderr = open(os.devnull, "w")
original = crossvalutils.Assembler.assemble
crossvalutils.Assembler.assemble = lambda self: original(self, chunk_size=0)
_, table, metrics, _ = crossvalutils._benchmark_paf_graphs(
    config, {"topktoretain": ANIMALS, "pcutoff": 0.1, "pafthreshold": 0.1}, copy.deepcopy(data), limbs,
    split_inds=[train, test])
sys.stdout, sys.stderr = out, err
best = int(np.argmax((1 - table.loc["miss", "mean"]) * table.loc["purity", "mean"]))
nan = lambda x: None if np.isnan(x) else float(x)
json.dump({
    "graph": graph,
    "train": train,
    "frames": [{
        "labels": [[[nan(v) for v in xy] for xy in a] for a in
                   data[f"img{n}"]["groundtruth"][2].to_numpy().reshape(ANIMALS, JOINTS, 2)],
        "peaks": [np.c_[x, p].tolist() for x, p in zip(data[f"img{n}"]["prediction"]["coordinates"][0],
                                                       data[f"img{n}"]["prediction"]["confidence"])],
        "m1": [data[f"img{n}"]["prediction"]["costs"][k]["m1"].tolist() for k in range(len(graph))],
        "neighbours": neighbours[n],
    } for n in range(FRAMES)],
    "skeletons": [[int(k) for k in g] for g in limbs],
    "separability": [[int(k), float(v)] for k, v in separability.items()],
    "scores": [{"miss": [table.loc[("miss", s), len(g)] for s in ("mean", "std")],
                "purity": [table.loc[("purity", s), len(g)] for s in ("mean", "std")],
                "train": [m[0]["mAP"], m[0]["mAR"]], "test": [m[1]["mAP"], m[1]["mAR"]]} for g, m in zip(limbs, metrics)],
    "best": best,
}, sys.stdout, separators=(",", ":"))
