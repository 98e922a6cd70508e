"""The proof for several animals: real DeepLabCut and poseheir do the same with the same project.

    python animals.py tracking|detection|evaluation|superanimal POSEHEIR MAKE_MODEL PROJECT

PROJECT is a multi-animal project (mice3-mabe-madlc) whose video holds the labelled frames. Run by ctest under the
label `oracle` where -DPOSEHEIR_ORACLE=<python with deeplabcut and TensorFlow> was given.

tracking    assemblies, tracklets and tracks from the same detections are the same
detection   a snapshot of generated weights gives the same peaks and limbs; DeepLabCut goes on from our files
evaluation  that snapshot's errors, skeleton, mAP and files are the same
superanimal a snapshot of generated weights gives the same poses of a clip, looked at in several sizes
"""

import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("DLClight", "True")

import cv2
import numpy as np
import pandas as pd
import yaml
import deeplabcut
from deeplabcut.utils import auxfun_models

from deeplabcut.core import crossvalutils, inferenceutils, trackingutils

auxfun_models.download_weights = lambda *arguments: None

# filterpy 2.0 measures the sum of all states in every row; 1.4.5, for which DeepLabCut was written, the states themselves.
ellipse_tracker = trackingutils.EllipseTracker.__init__


def measured_as_in_1_4_5(self, params):
    ellipse_tracker(self, params)
    self.kf.H = np.eye(5, 10)


trackingutils.EllipseTracker.__init__ = measured_as_in_1_4_5


# DeepLabCut hands out left-over peaks of equal confidence in the order of Python's hashes; here, as ours, in their own.
def stable(items, key=None, reverse=False):
    return sorted(sorted(items, key=lambda joint: joint.idx) if isinstance(items, set) else items, key=key, reverse=reverse)


inferenceutils.sorted = stable

# OpenCV's wheels resize with Intel's IPP, which differs by 1 in 3 % of the pixels from OpenCV itself.
cv2.ipp.setUseIPP(False)

NET_TYPE = "dlcrnet_ms5"
SCORER = "DLC_dlcrnetms5_MABe3Jan1shuffle1_1"


def run(*command):
    print("$", *map(str, command), flush=True)
    subprocess.run([str(part) for part in command], check=True)


def pickled(path):
    return pickle.loads(Path(path).read_bytes())


class Project:
    def __init__(self, work, source, shrink):
        self.folder = work / "project"
        shutil.copytree(source, self.folder)
        for path in [self.folder, *self.folder.rglob("*")]:
            path.chmod(0o755)
        self.config = self.folder / "config.yaml"
        text = re.sub(r"(?m)^project_path:.*", f"project_path: {self.folder}", self.config.read_text())
        text += "\nengine: tensorflow\ndefault_track_method: ellipse\n"
        video = next(self.folder.glob("videos/*.mp4"))
        self.config.write_text(text.replace("videos/" + video.name, str(video)))
        self.extract_pictures(video, shrink)
        deeplabcut.create_multianimaltraining_dataset(
            str(self.config), net_type=NET_TYPE, engine=deeplabcut.Engine.TF, userfeedback=False
        )
        model = next(self.folder.glob("dlc-models/iteration-0/*"))
        self.train, self.test = model / "train", model / "test"
        self.evaluation = self.folder / "evaluation-results/iteration-0" / model.name
        pose = self.train / "pose_cfg.yaml"  # the ImageNet file it names is not on this machine
        pose.write_text(re.sub(r"(?m)^init_weights:.*", "init_weights: none", pose.read_text()))
        self.video = video

    def extract_pictures(self, video, pictures):
        """The labelled pictures are frames of the video; only the first ones are kept."""
        folder = self.folder / "labeled-data" / video.stem
        for name in folder.glob("*.csv"):
            name.unlink()
        labels = next(folder.glob("CollectedData*.h5"))
        frame = pd.read_hdf(labels).iloc[:pictures]
        # Not every animal is labelled everywhere.
        frame.iloc[1, 24:48] = np.nan
        frame.iloc[3, 4:6] = np.nan
        frame.to_hdf(labels, key="df_with_missing", mode="w")
        numbers = [int(re.search(r"img(\d+)", Path(name).name)[1]) for name in frame.index]
        capture = cv2.VideoCapture(str(video))
        for number in range(max(numbers) + 1):
            good, picture = capture.read()
            if good and number in numbers:
                cv2.imwrite(str(folder / Path(frame.index[numbers.index(number)]).name), picture)

    def snapshot(self, make_model, minconfidence):
        run(make_model, self.test / "pose_cfg.yaml", self.train / "snapshot-1")
        pose = self.test / "pose_cfg.yaml"
        pose.write_text(re.sub(r"(?m)^minconfidence:.*", f"minconfidence: {minconfidence}", pose.read_text()))


def made_detections(project, frames, seed=1):
    """DeepLabCut's _full.pickle as a good network would give it: the true tracks, with noise, gaps and ghosts."""
    rng = np.random.default_rng(seed)
    truth = pd.read_hdf(next(project.folder.glob("videos/*_fulltrack.h5"))).to_numpy()[:frames].reshape(frames, 3, -1, 2)
    count = truth.shape[2]
    graph = [[i, j] for i in range(count) for j in range(i + 1, count)]
    data = {
        "metadata": {
            "nms radius": 5.0, "minimal confidence": 0.01, "sigma": 1, "PAFgraph": graph,
            "PAFinds": np.arange(len(graph)), "all_joints": [[i] for i in range(count)],
            "all_joints_names": deeplabcut.auxiliaryfunctions.read_config(str(project.config))["multianimalbodyparts"],
            "nframes": frames,
        }
    }
    hidden = rng.random((frames, 3)) < 0.02
    for start in rng.integers(0, frames, 6):  # longer absences
        hidden[start : start + rng.integers(3, 40), rng.integers(3)] = True
    width = int(np.ceil(np.log10(frames)))
    for number in range(frames):
        owners, coordinates, confidence = [], [], []
        for joint in range(count):
            seen = [a for a in rng.permutation(3) if not hidden[number, a] and rng.random() > 0.05]
            xy = truth[number, seen, joint] + rng.normal(0, 1, (len(seen), 2))
            p = rng.uniform(0.3, 1, len(seen))
            if rng.random() < 0.1:
                seen, xy, p = seen + [-1], np.vstack([xy.reshape(-1, 2), rng.uniform(0, 512, (1, 2))]), np.append(p, rng.uniform(0.02, 0.5))
            owners.append(seen)
            coordinates.append(np.round(xy.reshape(-1, 2), 3))
            confidence.append(np.round(p, 3).astype(np.float32).reshape(-1, 1))
        costs = {}
        for limb, (s, t) in enumerate(graph):
            same = np.equal.outer(owners[s], owners[t]).reshape(len(owners[s]), len(owners[t]))
            if not same.size:  # as DeepLabCut leaves it
                same = same.reshape(-1)[:0].reshape(0, 0)
            m1 = np.where(same, rng.uniform(0.4, 1, same.shape), rng.uniform(0, 0.3, same.shape))
            lengths = np.linalg.norm(coordinates[s][:, None] - coordinates[t][None], axis=-1).reshape(same.shape) / 4
            costs[limb] = {"m1": np.round(m1, 3).astype(np.float32), "distance": np.round(lengths, 3).astype(np.float32)}
        data["frame" + str(number).zfill(width)] = {"coordinates": (coordinates,), "confidence": confidence, "costs": costs}
    meta = {"data": {"Scorer": SCORER, "cropping": False, "nframes": frames}}
    return data, meta


def tracked_by_deeplabcut(project, folder, method, **options):
    config, video = str(project.config), [str(project.video)]
    convert = {k: v for k, v in options.items() if k in ("calibrate", "identity_only", "greedy", "ignore_bodyparts")}
    stitch = {k: v for k, v in options.items() if k in ("n_tracks", "min_length", "split_tracklets", "max_gap")}
    deeplabcut.convert_detections2tracklets(config, video, destfolder=str(folder), track_method=method, overwrite=True, **convert)
    deeplabcut.stitch_tracklets(config, video, destfolder=str(folder), track_method=method, save_as_csv=True, **stitch)


def equal_arrays(a, b, tolerance=0.0):
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=tolerance, equal_nan=True)


def compare_tracking(ours, theirs, stem, method, stitched=True):
    base, suffix = stem + SCORER, {"ellipse": "_el", "box": "_bx"}[method]
    a, b = pickled(ours / f"{base}_assemblies.pickle"), pickled(theirs / f"{base}_assemblies.pickle")
    assert set(a) == set(b), "frames with animals"
    assert all(len(a[k]) == len(b[k]) and all(equal_arrays(x, y, 1e-9) for x, y in zip(a[k], b[k])) for k in a), "animals"
    a, b = pickled(ours / f"{base}{suffix}.pickle"), pickled(theirs / f"{base}{suffix}.pickle")
    assert a.pop("header").equals(b.pop("header"))
    # The multiprocessing of DeepLabCut only changes the order of its assemblies' dictionary.
    assert set(a) == set(b), ("tracklets", len(a), len(b))
    for k in a:
        assert list(a[k]) == list(b[k]) and all(equal_arrays(a[k][f], b[k][f], 1e-9) for f in a[k]), f"tracklet {k}"
    if not stitched:
        return len(a), 0
    a, b = pd.read_hdf(ours / f"{base}{suffix}.h5"), pd.read_hdf(theirs / f"{base}{suffix}.h5")
    pd.testing.assert_frame_equal(a, b, check_index_type=False, rtol=0, atol=1e-9)
    c = pd.read_csv(ours / f"{base}{suffix}.csv", header=[0, 1, 2, 3], index_col=0)
    d = pd.read_csv(theirs / f"{base}{suffix}.csv", header=[0, 1, 2, 3], index_col=0)
    pd.testing.assert_frame_equal(c, d, rtol=0, atol=1e-6)
    return len(pickled(ours / f"{base}{suffix}.pickle")) - 1, int(a.notna().to_numpy().sum())


def tracking(work, poseheir, make_model, source):
    project = Project(work, source, 40)
    (project.train / "snapshot-1.index").touch()
    (project.train / "snapshot-1.meta").touch()
    (project.train / "snapshot-1.data-00000-of-00001").touch()
    stem = project.video.stem
    cases = [
        ("ellipse", [], {}, 600),
        ("box", [], {}, 600),
        ("ellipse", ["--calibrate"], {"calibrate": True}, 300),
        ("ellipse", ["--greedy", "--min-length", "5", "--no-split"], {"greedy": True, "min_length": 5, "split_tracklets": False}, 300),
        ("box", ["--ignore-bodyparts", "tail tip,tail middle", "--n-tracks", "4"], {"ignore_bodyparts": ["tail tip", "tail middle"], "n_tracks": 4}, 300),
    ]
    for number, (method, arguments, options, frames) in enumerate(cases):
        data, meta = made_detections(project, frames, seed=number)
        folders = [work / f"{who}{number}" for who in ("ours", "theirs")]
        for folder in folders:
            folder.mkdir()
            (folder / f"{stem}{SCORER}_full.pickle").write_bytes(pickle.dumps(data, pickle.HIGHEST_PROTOCOL))
            (folder / f"{stem}{SCORER}_meta.pickle").write_bytes(pickle.dumps(meta, pickle.HIGHEST_PROTOCOL))
        tracked_by_deeplabcut(project, folders[1], method, **options)
        run(poseheir, "track", project.config, project.video, "--destfolder", folders[0], "--tracker", method, *arguments)
        tracklets, values = compare_tracking(*folders, stem, method)
        print(f"{method} {' '.join(arguments)}: {frames} frames, {tracklets} tracklets, {values} values of tracks: the same")


def close_detections(ours, theirs):
    """Peaks within the tolerance of two float32 computations; how many have no counterpart."""
    assert list(theirs) and set(ours) == set(theirs), "frames"
    peaks = lost = 0
    largest = np.zeros(3)
    for name, b in theirs.items():
        if name == "metadata":
            continue
        a = ours[name]
        for joint, (xy, p) in enumerate(zip(b["coordinates"][0], b["confidence"])):
            xa, pa = a["coordinates"][0][joint], a["confidence"][joint]
            peaks += len(xy)
            if len(xy) != len(xa):
                lost += abs(len(xy) - len(xa))
                continue
            if len(xy):
                largest[0] = max(largest[0], np.abs(xy - xa).max())
                largest[1] = max(largest[1], np.abs(p - pa).max())
        for limb, matrices in b["costs"].items():
            if matrices["m1"].shape == a["costs"][limb]["m1"].shape and matrices["m1"].size:
                largest[2] = max(largest[2], np.abs(matrices["m1"] - a["costs"][limb]["m1"]).max())
    return peaks, lost, largest


def shortened(video, target, frames):
    reader = cv2.VideoCapture(str(video))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*"mp4v"), 30, (512, 512))
    for _ in range(frames):
        writer.write(reader.read()[1])
    writer.release()


def detection(work, poseheir, make_model, source):
    project = Project(work, source, 5)
    project.snapshot(make_model, MINCONFIDENCE)
    project.video = work / "clip.mp4"
    shortened(next(project.folder.glob("videos/*.mp4")), project.video, 10)
    ours, theirs, again = work / "ours", work / "theirs", work / "again"
    for folder in (ours, theirs, again):
        folder.mkdir()
    run(poseheir, "analyze", project.config, project.video, "--destfolder", ours, "--batch-size", 4, "--min-length", 3)
    deeplabcut.analyze_videos(str(project.config), [str(project.video)], destfolder=str(theirs), auto_track=False, batchsize=4, use_openvino=None)
    base = project.video.stem + SCORER
    a, b = pickled(ours / f"{base}_full.pickle"), pickled(theirs / f"{base}_full.pickle")
    peaks, lost, largest = close_detections(a, b)
    print(f"{peaks} peaks in {len(b) - 1} frames, {lost} differ, largest difference {largest[0]:.4f} px, {largest[1]:.4f}, limbs {largest[2]:.4f}")
    assert peaks > 100 and lost <= 0.01 * peaks and largest[0] < 0.1 and largest[1] < 0.002
    metadata = [pickled(folder / f"{base}_meta.pickle")["data"] for folder in (ours, theirs)]
    for key in set(metadata[1]) - {"start", "stop", "run_duration", "DLC-model-config file"}:
        assert metadata[0][key] == metadata[1][key], (key, metadata[0][key], metadata[1][key])
    for kind in ("full", "meta"):
        shutil.copy(ours / f"{base}_{kind}.pickle", again)
    tracked_by_deeplabcut(project, again, "ellipse", min_length=3)
    tracklets, values = compare_tracking(ours, again, project.video.stem, "ellipse")
    print(f"DeepLabCut from our detections: {tracklets} tracklets, {values} values of tracks: the same")


MINCONFIDENCE = 0.65  # generated weights find peaks everywhere


def evaluation(work, poseheir, make_model, source):
    project = Project(work, source, 12)
    project.snapshot(make_model, MINCONFIDENCE)
    pose = project.test / "pose_cfg.yaml"
    before = pose.read_text()
    run(poseheir, "evaluate", project.config)
    ours = work / "ours"
    shutil.move(project.evaluation, ours)
    best = yaml.safe_load(pose.read_text())["paf_best"]
    pose.write_text(before)
    combined = project.evaluation.parent / "CombinedEvaluation-results.csv"
    combined.unlink()
    deeplabcut.evaluate_network(str(project.config), Shuffles=[1], per_keypoint_evaluation=True, show_errors=False)
    theirs, stem = project.evaluation, f"{SCORER}-snapshot-1"
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()}, (list(ours.iterdir()), list(theirs.iterdir()))
    for name in (f"{SCORER}-results.csv", f"{SCORER}-keypoint-results.csv", "dist_1.csv"):
        a, b = (pd.read_csv(folder / name, header=[0, 1, 2, 3] if name == "dist_1.csv" else 0, index_col=0) for folder in (ours, theirs))
        pd.testing.assert_frame_equal(a, b, rtol=0, atol=0.02, check_dtype=False)
    a, b = (pd.read_hdf(folder / "predicted_poses_1.h5") for folder in (ours, theirs))
    pd.testing.assert_frame_equal(a, b, rtol=0, atol=0.02, check_index_type=False)
    # Generated weights leave many near ties, so the choice of limbs is checked on the same detections.
    results, scores, _ = crossvalutils.cross_validate_paf_graphs(
        str(project.config), str(project.test / "inference_cfg.yaml"), str(ours / f"{stem}_full.pickle"), str(ours / f"{stem}_meta.pickle"), n_graphs=10
    )
    expected = results[1].copy()
    for row, (split, key) in {"mAP_train": (0, "mAP"), "mAR_train": (0, "mAR"), "mAP_test": (1, "mAP"), "mAR_test": (1, "mAR")}.items():
        expected.loc(axis=0)[(row, "mean")] = [metrics[split][key] for metrics in results[2]]
    found, found_scores = pickled(ours / f"{stem}_map.pickle")
    assert list(found.index) == list(expected.index) and list(found.columns) == list(expected.columns), (found, expected)
    assert equal_arrays(found, expected, 1e-9), (found - expected)
    assert set(found_scores) == set(scores) and max(abs(found_scores[k] - scores[k]) for k in scores) < 1e-9
    chosen = yaml.safe_load(pose.read_text())["paf_best"]
    print(f"{len(found.columns)} skeletons: the same worth; paf_best {best}")
    assert best == chosen
    peaks = [pickled(folder / f"{stem}_full.pickle") for folder in (ours, theirs)]
    assert list(peaks[0]) == list(peaks[1])
    for name in list(peaks[1])[:-1]:
        pd.testing.assert_series_equal(peaks[0][name]["groundtruth"][2], peaks[1][name]["groundtruth"][2], check_names=False)


def superanimal(work, poseheir, make_model, source):
    from deeplabcut.pose_estimation_tensorflow.modelzoo.api.superanimal_inference import video_inference
    from deeplabcut.pose_estimation_tensorflow.config import load_config
    from deeplabcut.utils import auxiliaryfunctions

    # DeepLabCut 3.0.2 looks for the body parts under a misspelt key, so that it needs the whole configuration.
    folder = auxiliaryfunctions.get_deeplabcut_path() / "modelzoo"
    config = {**load_config(folder / "project_configs/superanimal_quadruped.yaml"), **load_config(folder / "model_configs/dlcrnet.yaml")}
    names = yaml.safe_load((folder / "project_configs/superanimal_quadruped.yaml").read_text())["bodyparts"]
    config |= {"all_joints": list(range(39)), "all_joints_names": names, "num_joints": 39, "num_limbs": 741}
    model, clip = work / "snapshot-700000", work / "clip.mp4"
    run(make_model, "resnet_50", 39, model)
    shortened(next(Path(source).glob("videos/*.mp4")), clip, 3)
    for name, arguments, scales in (("own", [], []), ("range", ["--scales", "200:400:100"], [200, 300])):
        ours, theirs = work / f"ours-{name}", work / f"theirs-{name}"
        theirs.mkdir()
        run(poseheir, "analyze", "--model", model, clip, "--destfolder", ours, *arguments)
        video_inference([str(clip)], "superanimal_quadruped", "dlcrnet", scale_list=scales, destfolder=str(theirs), init_weights=str(model), customized_test_config=dict(config))
        a, b = (pd.read_hdf(folder / "clipDLC_snapshot-700000.h5") for folder in (ours, theirs))
        assert list(a.columns) == list(b.columns) and list(a.index) == list(b.index)
        difference = np.abs(a.to_numpy() - b.to_numpy())
        # Generated weights have many peaks of nearly the same height, so that now and then another one wins.
        other = np.mean(a.isna() != b.isna()), np.nanmean(difference > 0.1)
        print(
            f"scales {scales}: {difference.size} values, {int(b.notna().to_numpy().sum())} of them present, median difference"
            f" {np.nanmedian(difference):.5f}; {other[0]:.4f} present in one only, {other[1]:.4f} differ by more than 0.1"
        )
        assert max(other) < 0.05


def main():
    mode, poseheir, make_model, source = sys.argv[1:5]
    with tempfile.TemporaryDirectory() as folder:
        {"tracking": tracking, "detection": detection, "evaluation": evaluation, "superanimal": superanimal}[mode](Path(folder), Path(poseheir), Path(make_model), Path(source))
    print("ORACLE OK")


if __name__ == "__main__":
    main()
