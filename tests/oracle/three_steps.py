"""How far TensorFlow differs from itself after three SGD steps of resnet_50.

    TF_ENABLE_ONEDNN_OPTS=0|1 python three_steps.py REFERENCE THREADS

REFERENCE is the folder with the reference values (weights.md, training/batch). DeepLabCut builds the
network and the optimizer; the loss before each step and after the last one is printed. Measured with
TensorFlow 2.15.1 after the last step: 0.7812559 with oneDNN; without it 0.7829188 with one thread and
0.7819361 with two. The losses before the first step agree to 2e-7.
"""

import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("DLClight", "True")

import numpy as np
import tensorflow as tf
from deeplabcut.pose_estimation_tensorflow.config import load_config
from deeplabcut.pose_estimation_tensorflow.core.train import get_optimizer
from deeplabcut.pose_estimation_tensorflow.datasets import Batch
from deeplabcut.pose_estimation_tensorflow.nnets.factory import PoseNetFactory

RATES = (1e-4, 1e-4, 4e-4)
ARRAYS = ("inputs", "part_score_targets", "part_score_weights", "locref_targets", "locref_mask")
v1 = tf.compat.v1


def generated(name, shape, kind, scale):
    """The rule of weights.md."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & (2**64 - 1)
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(np.prod(shape, dtype=int), dtype=np.uint64)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    if kind in ("gamma", "variance"):
        u = np.float32(1) + u / np.float32(2)
    return (scale * u).reshape(shape)


def main(reference, threads):
    v1.disable_eager_execution()
    config = load_config(reference / "networks/resnet_50/pose_cfg.yaml")
    config.update(location_refinement=True, locref_loss_weight=0.05, locref_huber_loss=True,
                  optimizer="sgd", batch_size=2)
    arrays = {name: np.load(reference / "training/batch" / f"{name}.npy") for name in ARRAYS}
    inputs = {name: v1.placeholder(tf.float32, array.shape) for name, array in arrays.items()}
    losses = PoseNetFactory.create(config).train({getattr(Batch, n): v for n, v in inputs.items()})
    rate, train, _ = get_optimizer(losses["total_loss"], config)

    session = v1.Session(config=v1.ConfigProto(intra_op_parallelism_threads=threads))
    session.run(v1.global_variables_initializer())
    variables = {variable.op.name: variable for variable in v1.global_variables()}
    with open(reference / "variables/resnet_50.csv") as rows:
        for row in csv.DictReader(rows):
            shape = [int(size) for size in row["shape"].split("x")]
            scale = np.frombuffer(bytes.fromhex(row["scale_hex"]), ">f4").astype(np.float32)[0]
            value = generated(row["name"], shape, row["kind"], scale)
            variables[row["name"]].load(value, session)

    feed = {inputs[name]: arrays[name] for name in ARRAYS}
    for value in RATES:
        print(session.run([losses["total_loss"], train], {**feed, rate: value})[0])
    print(session.run(losses["total_loss"], feed))


main(Path(sys.argv[1]), int(sys.argv[2]))
