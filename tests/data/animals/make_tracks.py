"""Makes tracks.json: animals wandering about, and what DeepLabCut 3.0.2's trackers and stitcher make of them.
Run with a Python that has deeplabcut[tf]==3.0.2 and filterpy==1.4.5: python make_tracks.py > tracks.json
(filterpy 2.0.0 measures the sum of all states in every row; with it the ellipse tracker loses animals at once.)

Expectations name poses as [frame, animal]: the n-th animal of that frame."""
import json, sys, warnings, os
import numpy as np
warnings.simplefilter("ignore")
from deeplabcut.core import trackingutils
from deeplabcut.core.inferenceutils import Assembly
from deeplabcut.refine_training_dataset.stitch import TrackletStitcher
from scipy.optimize import linear_sum_assignment

assert np.array_equal(trackingutils.EllipseTracker([1, 1, 1, 1, 1]).kf.H, np.eye(5, 10)), "filterpy 1.4.5, please"


def wander(rng, frames, animals, joints, gap, swap, size, speed, identity, decimals):
    shape = rng.uniform(-20, 20, (joints, 2))
    place, angle = rng.uniform(0, size, (animals, 2)), rng.uniform(0, 6, animals)
    velocity = rng.normal(0, speed, (animals, 2))
    away = np.zeros(animals, int)
    result = []
    for f in range(frames):
        velocity = 0.8 * velocity + rng.normal(0, speed, (animals, 2))
        place = np.clip(place + velocity, 0, size)
        angle += rng.normal(0, 0.05, animals)
        here = []
        for a in range(animals):
            away[a] = rng.integers(1, 12) if away[a] == 0 and rng.random() < gap else max(0, away[a] - 1)
            if away[a]:
                continue
            turn = np.array([[np.cos(angle[a]), -np.sin(angle[a])], [np.sin(angle[a]), np.cos(angle[a])]])
            data = np.full((joints, 4), np.nan)
            data[:, 2] = 0
            for j in range(joints):
                if rng.random() < 0.05 and j > 2:
                    continue
                xy = np.round(shape[j] @ turn.T + place[a] + rng.normal(0, 0.2, 2), decimals)
                group = -1 if not identity else (a if rng.random() < 0.9 else rng.integers(animals))
                data[j] = [*xy, np.round(rng.uniform(0.2, 1), 2), group]
            here.append(data)
        if rng.random() < swap:
            rng.shuffle(here)
        result.append(here)
    return result


def tracklets_of(frames, options):
    if options["kind"] == "box":
        tracker = trackingutils.SORTBox(options["max_age"], options["min_hits"], options["iou_threshold"])
    else:
        tracker = trackingutils.SORTEllipse(options["max_age"], options["min_hits"], options["iou_threshold"])
    tracklets = {}
    for f, here in enumerate(frames):
        if not here:
            continue
        animals = np.stack(here)
        if options.get("identity_only"):
            mat = np.zeros((len(animals), options["individuals"]))
            for row, data in enumerate(animals):
                assembly = Assembly(len(data))
                assembly.data = data.copy()
                for k, v in assembly.soft_identity.items():
                    mat[row, k] = v
            found = np.c_[linear_sum_assignment(mat, maximize=True)][:, ::-1]
        elif options["kind"] == "box":
            found = tracker.track(trackingutils.calc_bboxes_from_keypoints(animals, options["slack"]))
        else:
            found = tracker.track(animals[:, :, :2])
        trackingutils.fill_tracklets(tracklets, found, animals, f"frame{f:04}")
    return tracklets


def where(frames, f, data):
    for n, animal in enumerate(frames[f]):
        if np.array_equal(animal[:, :2], data[:, :2], equal_nan=True):
            return [int(f), n]
    raise KeyError(f)


def stitch(frames, tracklets, options):
    with open(os.devnull, "w") as sink, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = sink
        try:
            stitcher = TrackletStitcher.from_dict_of_dict({k: dict(v) for k, v in tracklets.items()}, options["tracks"],
                                                          options["minimal_length"])
            weigh = None
            if any(t.identity != -1 for t in stitcher):
                weigh = lambda a, b: (0.01 if a.identity == b.identity else 1) * stitcher.calculate_edge_weight(a, b)
            stitcher.build_graph(max_gap=None, weight_func=weigh)
            stitcher.stitch()
        except (ValueError, OSError):
            return None
        finally:
            sys.stdout, sys.stderr = old
    if any("No optimal" in str(w.message) for w in caught):
        return None
    tracks = []
    for track in sorted(stitcher.tracks, key=lambda t: t.identity):
        rows = {int(f): where(frames, f, d) for f, d in zip(track.inds, track.data)}  # of one frame the last counts
        tracks.append([rows[f] for f in sorted(rows)])
    return tracks


def plain(value):
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, float):
        return None if np.isnan(value) else int(value) if value == int(value) else value
    return int(value) if isinstance(value, np.integer) else value


def case(name, seed, frames=40, animals=3, joints=4, gap=0.03, swap=0.3, size=260, speed=0.7, identity=False, decimals=1,
         **options):
    options = {"kind": "ellipse", "max_age": 1, "min_hits": 1, "iou_threshold": 0.6, "slack": 0, "individuals": animals,
               "tracks": animals, "minimal_length": 5, **options}
    data = wander(np.random.default_rng(seed), frames, animals, joints, gap, swap, size, speed, identity, decimals)
    tracklets = tracklets_of(data, options)
    return plain({"name": name, "options": options, "frames": data,
                  "tracklets": [[k, [where(data, int(f[5:]), d) for f, d in v.items()]] for k, v in tracklets.items()],
                  "tracks": stitch(data, tracklets, options)})


SCALE = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 0
cases = []
for n in range(SCALE):
    seed = SEED + 100 * n
    cases += [
        case("ellipses", seed + 1),
        case("boxes", seed + 2, kind="box", slack=10, iou_threshold=0.3),
        case("many gaps", seed + 3, frames=60, gap=0.08, animals=3, joints=3, minimal_length=3),
        case("identity in the weights", seed + 4, identity=True, gap=0.05, animals=2),
        case("identity only", seed + 5, identity=True, identity_only=True, frames=20),
        case("older trackers", seed + 6, max_age=4, min_hits=2, gap=0.06, frames=40),
        case("crowded", seed + 7, animals=4, size=60, frames=30, joints=3),
        case("boxes that vanish", seed + 8, kind="box", gap=0.08, iou_threshold=0.2, max_age=3, frames=40, joints=3, slack=4),
    ]
json.dump(cases, sys.stdout, separators=(",", ":"))
