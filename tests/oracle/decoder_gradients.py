"""Losses and gradients of the multi-scale networks as DeepLabCut computes them.

    python decoder_gradients.py SHARED OUTPUT_FOLDER

SHARED holds reference/ (weights.md, variables, networks, training) and data/weights. Writes
<network>.csv for each network of NETWORKS: first `loss,<part>,<locref>,<pairwise>`, then a row for
each trainable variable: its name, the gradient's L2 norm, its largest element, three elements (flat index, value).
The images are those of reference/training/batch. The targets follow from formulas alone, so that a test can repeat them.
"""

import csv
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["DLClight"] = "True"

import numpy as np
import tensorflow as tf
import yaml
from deeplabcut.pose_estimation_tensorflow.config import load_config
from deeplabcut.pose_estimation_tensorflow.datasets import Batch
from deeplabcut.pose_estimation_tensorflow.nnets.factory import PoseNetFactory

v1 = tf.compat.v1
v1.disable_eager_execution()

NETWORKS = {
    "resnet_50_multi_stage_stride4": "resnet_50_multi_stage_stride4",
    "resnet_50_multi_stage_stride2": "resnet_50_multi_stage_stride2",
    "resnet_50_dual_fusion_paf": "resnet_50_dual_fusion_paf",
    "mobilenet_v2_0.35_imagenet_dual_fusion": "mobilenet_v2_0.35_dual_fusion",
}


def generated(name, shape, scale, around_one):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    value = scale * (np.float32(1) + np.float32(0.5) * u) if around_one else scale * u
    return value.reshape(shape)


def weights(shared, name, network):
    start = None
    if "imagenet" in name:
        start = tf.train.load_checkpoint(
            str(shared / "data/weights/mobilenet_v2_0.35_224/mobilenet_v2_0.35_imagenet.ckpt"))
    values = {}
    with open(shared / "reference/variables" / f"{network}.csv") as file:
        for row in csv.DictReader(file):
            if start is not None and row["imagenet_key"]:
                values[row["name"]] = start.get_tensor(row["imagenet_key"])
                continue
            shape = [int(n) for n in row["shape"].split("x")]
            scale = np.frombuffer(bytes.fromhex(row["scale_hex"]), ">f4").astype(np.float32)[0]
            values[row["name"]] = generated(row["name"], shape, scale, row["kind"] in ("gamma", "variance"))
    return values


def targets(heads):
    """The same formulas stand in tests/engine/decoder_gradients_test.cc."""
    batch = {}
    def flat(shape, rule):
        return rule(np.arange(int(np.prod(shape)))).astype(np.float32).reshape(shape)
    batch[Batch.part_score_targets] = flat(heads["part_pred"], lambda i: i % 7 == 0)
    batch[Batch.part_score_weights] = np.ones(heads["part_pred"], np.float32)
    batch[Batch.locref_targets] = flat(heads["locref"], lambda i: (i % 13) / 4 - 1.5)
    batch[Batch.locref_mask] = flat(heads["locref"], lambda i: i % 5 == 0)
    if "pairwise_pred" in heads:
        batch[Batch.pairwise_targets] = flat(heads["pairwise_pred"], lambda i: (i % 11) / 5 - 1)
        batch[Batch.pairwise_mask] = np.ones(heads["pairwise_pred"], np.float32)
    return batch


def main(shared, output):
    inputs = np.load(shared / "reference/training/batch/inputs.npy").astype(np.float32)
    for name, network in NETWORKS.items():
        v1.reset_default_graph()
        config = yaml.safe_load((shared / "reference/networks" / network / "pose_cfg.yaml").read_text())
        config.update(weight_decay=0.0001, weigh_part_predictions=False, locref_huber_loss=True, locref_loss_weight=0.05,
                      pairwise_huber_loss=True, pairwise_loss_weight=0.1)
        config.setdefault("dataset_type", "imgaug")
        image = v1.placeholder(tf.float32, inputs.shape)
        net = PoseNetFactory.create(config)
        made = {k: v for k, v in net.get_net(image).items() if k != "features"}
        shapes = {k: v.shape.as_list() for k, v in made.items()}
        net.get_net = lambda _: made
        batch = targets(shapes)
        losses = net.train({k: tf.constant(v) for k, v in batch.items()} | {Batch.inputs: image})
        variables = v1.trainable_variables()
        gradients = tf.gradients(losses["total_loss"], variables)
        values = weights(shared, name, network)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for variable in v1.global_variables():
                variable.load(values[variable.op.name], session)
            loss, found = session.run([losses, gradients], {image: inputs})
        with open(output / f"{name}.csv", "w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["loss"] + [repr(float(loss.get(k, 0))) for k in ("part_loss", "locref_loss", "pairwise_loss")])
            for variable, gradient in sorted(zip(variables, found), key=lambda p: p[0].op.name):
                flat = gradient.astype(np.float64).ravel()
                row = [variable.op.name, f"{np.linalg.norm(flat):.6g}", f"{np.abs(flat).max():.5g}"]
                for i in sorted({0, flat.size // 3, flat.size - 1}):
                    row += [i, f"{flat[i]:.6g}"]
                rows.writerow(row)


main(Path(sys.argv[1]), Path(sys.argv[2]))
