"""Makes assembly.json: synthetic frames, and the animals that DeepLabCut 3.0.2's Assembler makes of
them. Run with a Python that has deeplabcut[tf]==3.0.2: python make_assembly.py > assembly.json"""
import itertools, json, sys, warnings
import multiprocessing
import numpy as np, pandas as pd, tempfile, os
warnings.simplefilter("ignore")
multiprocessing.set_start_method("spawn")  # DeepLabCut then assembles one frame after another
from deeplabcut.core.inferenceutils import Assembler


def detections(rng, shape, animals, joints, unique, graph, noise, identity, decimals):
    peaks = [[] for _ in range(joints + unique)]
    owner = [[] for _ in range(joints + unique)]
    for a in range(animals):
        centre, angle = rng.uniform(60, 260, 2), rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for j in range(joints):
            if rng.random() < 0.15:
                continue
            peaks[j].append(np.round(shape[j] @ turn.T + centre + rng.normal(0, 2, 2), 3))
            owner[j].append(a)
    for j in range(joints + unique):
        for _ in range(rng.poisson(noise if j < joints else 1.0)):
            peaks[j].append(np.round(rng.uniform(0, 320, 2), 3))
            owner[j].append(-1)
    f = lambda x: np.round(np.float32(x), decimals).astype(np.float32)
    frame = {
        "coordinates": ([np.array(p).reshape(-1, 2) for p in peaks],),
        "confidence": [f(rng.uniform(0.02, 1, (len(p), 1))) for p in peaks],
        "costs": {},
    }
    for k, (s, t) in enumerate(graph):
        n, m = len(peaks[s]), len(peaks[t])
        if not n or not m:
            n = m = 0
        same = np.array([[owner[s][i] == owner[t][j] and owner[s][i] >= 0 for j in range(m)] for i in range(n)],
                        dtype=float).reshape(n, m)
        m1 = np.clip(0.55 * same + rng.normal(0.2, 0.25, (n, m)), 0, 1)
        frame["costs"][k] = {"m1": f(m1), "distance": np.ones((n, m), np.float32)}
    if identity:
        frame["identity"] = [f(rng.uniform(0, 1, (len(p), identity))) for p in peaks]
    return frame


def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.9g}")
    return value


def case(name, seed, frames, animals, joints, unique=0, graph=None, noise=0.5, identity=0, calibrate=False, decimals=3,
         **options):
    rng = np.random.default_rng(seed)
    graph = graph or [list(e) for e in itertools.combinations(range(joints), 2)]
    shape = rng.uniform(-30, 30, (joints, 2))
    data = {"metadata": {"all_joints_names": [f"j{j}" for j in range(joints + unique)], "PAFgraph": graph,
                         "PAFinds": list(range(len(graph)))}}
    for n in range(frames):
        data[f"frame{n}"] = detections(rng, shape, animals, joints, unique, graph, noise, identity, decimals)
    options = {"max_n_individuals": animals, "min_n_links": 2, **options}
    assembler = Assembler(data, n_multibodyparts=joints, graph=graph, **options)
    labelled = []
    if calibrate:
        labelled = np.round(shape * rng.uniform(0.7, 1.3, (60, 1, 1)) + rng.normal(0, 4, (60, joints, 2)), 2)
        labelled[rng.random((60, joints)) < 0.03] = np.nan
        columns = pd.MultiIndex.from_product([["s"], ["a", "b"], [f"j{j}" for j in range(joints)], ["x", "y"]],
                                             names=["scorer", "individuals", "bodyparts", "coords"])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "labels.h5")
            pd.DataFrame(labelled.reshape(30, -1), columns=columns).to_hdf(path, key="df_with_missing")
            assembler.calibrate(path)
        assert assembler.safe_edge
    with open(os.devnull, "w") as sink:
        stderr, sys.stderr = sys.stderr, sink
        assembler.assemble(chunk_size=0)
        sys.stderr = stderr
    result = []
    for n in range(frames):
        d = data[f"frame{n}"]
        result.append({
            "peaks": [np.c_[x, p].tolist() for x, p in zip(d["coordinates"][0], d["confidence"])],
            "m1": [d["costs"][k]["m1"].tolist() for k in range(len(graph))],
            "identity": [i.tolist() for i in d.get("identity", [])],
            "animals": [[a.data, a._affinity, len(a._links)] for a in assembler.assemblies.get(n, [])],
            "unique": assembler.unique.get(n),
        })
    return plain_dict({"name": name, "joints": joints, "graph": graph, "options": options, "labelled": labelled,
                       "identity_channels": identity, "frames": result})


def plain_dict(value):
    if isinstance(value, dict):
        return {k: plain_dict(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain_dict(v) for v in value]
    return plain(value)


SCALE = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 0
json.dump([
    case("three animals of five joints", SEED + 1, 4 * SCALE, 3, 5),
    case("noisy detections", SEED + 2, 4 * SCALE, 3, 5, noise=2.0, min_affinity=0.1),
    case("ties", SEED + 3, 6 * SCALE, 2, 5, noise=1.0, decimals=1, min_affinity=0.1),
    case("a chain with a limb drawn backwards", SEED + 4, 6 * SCALE, 2, 4, graph=[[0, 1], [2, 1], [2, 3]], noise=1.0,
         min_n_links=1),
    case("unique parts", SEED + 5, 4 * SCALE, 2, 4, unique=2),
    case("one individual", SEED + 6, 2 * SCALE, 1, 4),
    case("one keypoint", SEED + 7, 2 * SCALE, 3, 1, graph=[[0, 0]]),
    case("identity only", SEED + 8, 2 * SCALE, 2, 4, identity=2, identity_only=True),
    case("identity channels", SEED + 9, 2 * SCALE, 2, 4, identity=2),
    case("left-over peaks are given away", SEED + 10, 4 * SCALE, 2, 5, noise=1.0, add_discarded=True),
    case("greedy", SEED + 11, 4 * SCALE, 3, 5, noise=1.0, greedy=True),
    case("calibrated", SEED + 12, 6 * SCALE, 3, 5, noise=1.0, calibrate=True, min_affinity=0.05),
    case("calibrated, left-over peaks given away", SEED + 13, 4 * SCALE, 2, 4, noise=1.0, calibrate=True,
         add_discarded=True),
    case("fewer individuals asked for than there are", SEED + 14, 4 * SCALE, 4, 5, max_n_individuals=2),
], sys.stdout, separators=(",", ":"))
