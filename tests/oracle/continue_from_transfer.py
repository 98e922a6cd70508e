"""The proof: real DeepLabCut restores the snapshot-0 that poseheir writes, and trains on from it.

    python continue_from_transfer.py POSEHEIR MAKE_MODEL PROJECT [NET_TYPE ...]

POSEHEIR and MAKE_MODEL are built programs, PROJECT is a DeepLabCut project with labels (openfield:
snout, leftear, rightear, tailbase). Run by ctest under the label `oracle` where
-DPOSEHEIR_ORACLE=<python with deeplabcut and TensorFlow> was given.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("DLClight", "True")

import numpy as np
import tensorflow as tf
import deeplabcut
from deeplabcut.utils import auxfun_models

# create_training_dataset would fetch ImageNet weights, which the transfer replaces.
auxfun_models.download_weights = lambda *arguments: None

KEYPOINTS = {"snout": 0, "leftear": 11, "rightear": 6, "tailbase": 22}  # channels of the quadruped
NAMES = "snout,nose\nleftear,left_earbase\nrightear,right_earbase\ntailbase,tail_base\n"
ITERATIONS = 3


def prepared_project(work, source, net_type):
    project = work / net_type
    shutil.copytree(source, project, symlinks=False)
    config = project / "config.yaml"
    text = config.read_text()
    text = re.sub(r"(?m)^project_path:.*", f"project_path: {project}", text)
    text = text.replace("  WILL BE AUTOMATICALLY UPDATED BY DEMO CODE:", f"  {project}/videos/m4s1.mp4:")
    config.write_text(text)
    deeplabcut.create_training_dataset(
        str(config), net_type=net_type, augmenter_type="imgaug", engine=deeplabcut.Engine.TF
    )
    train = next(project.glob("dlc-models/iteration-0/*/train"))
    pose = train / "pose_cfg.yaml"  # the ImageNet file it names is not on this machine
    pose.write_text(re.sub(r"(?m)^init_weights:.*", "init_weights: none", pose.read_text()))
    return config, train


def check_values(model_a, train):
    a, b = tf.train.load_checkpoint(str(model_a)), tf.train.load_checkpoint(str(train / "snapshot-0"))
    parts, locref = list(KEYPOINTS.values()), []
    for channel in parts:
        locref += [2 * channel, 2 * channel + 1]
    compared = 0
    for name in b.get_variable_to_shape_map():
        expected = a.get_tensor(name)
        if name.startswith("pose/"):
            channels = locref if "locref" in name else parts
            expected = expected[channels] if name.endswith("biases") else expected[:, :, channels]
        assert np.array_equal(expected, b.get_tensor(name)), name
        compared += 1
    return compared


def check(poseheir, make_model, source, net_type):
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        config, train = prepared_project(work, source, net_type)
        model_a = work / "a" / "snapshot-700000"
        model_a.parent.mkdir()
        subprocess.run([make_model, net_type, "39", str(model_a)], check=True)
        (work / "map.csv").write_text("gt,MasterName\n" + NAMES)
        command = [poseheir, "transfer", "--from", str(model_a), "--to", str(config)]
        subprocess.run(command + ["--keypoints", str(work / "map.csv")], check=True)
        compared = check_values(model_a, train)
        deeplabcut.train_network(
            str(config), shuffle=1, maxiters=ITERATIONS, displayiters=1, saveiters=ITERATIONS
        )
        log = (train / "learning_stats.csv").read_text().split()
        assert (train / f"snapshot-{ITERATIONS}.index").exists(), os.listdir(train)
        after = tf.train.load_checkpoint(str(train / f"snapshot-{ITERATIONS}"))
        before = tf.train.load_checkpoint(str(train / "snapshot-0"))
        name = next(n for n in sorted(before.get_variable_to_shape_map()) if "part_pred" in n)
        moved = float(np.abs(after.get_tensor(name) - before.get_tensor(name)).max())
        assert 0 < moved < 1, (name, moved)
        print(f"{net_type}: {compared} variables equal A's, restored, trained to snapshot-{ITERATIONS}")
        print(f"{net_type}: learning_stats {log}; {name} moved by at most {moved:.3g}")


if __name__ == "__main__":
    programs, networks = sys.argv[1:4], sys.argv[4:] or ["mobilenet_v2_0.35", "resnet_50"]
    for network in networks:
        check(programs[0], programs[1], Path(programs[2]), network)
    print("ORACLE OK")
