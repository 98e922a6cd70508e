"""Losses, gradients and three updates of an EfficientNet, computed by the real DeepLabCut.

    python efficientnet_training.py REFERENCE OUT [NET_TYPE]

REFERENCE is a folder with variables/ and training/batch/ (shared/reference); OUT gets the files that
tests/data/<net>-training holds, in the formats of reference/training. The learning rate falls by
DeepLabCut's cosine, shortened so that three iterations see it.
"""

import csv
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("DLClight", "True")

import numpy as np
import tensorflow as tf
from deeplabcut.pose_estimation_tensorflow.core.train import get_optimizer
from deeplabcut.pose_estimation_tensorflow.datasets import Batch
from deeplabcut.pose_estimation_tensorflow.nnets.factory import PoseNetFactory

LR_INIT, DECAY_STEPS, ALPHA = 0.0005, 4, 0.02
ELEMENTS = 5


def mixed(state):
    z = state + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def generated(name, shape, kind, scale):
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = mixed(np.uint64(hashed) + np.arange(int(np.prod(shape)), dtype=np.uint64))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    if kind in ("gamma", "variance"):
        u = np.float32(1) + u / np.float32(2)
    return (np.float32(scale) * u).reshape(shape)


def start_values(reference, net):
    values = {}
    with open(reference / "variables" / f"{net}.csv") as file:
        for row in csv.DictReader(file):
            shape = [int(size) for size in row["shape"].replace("x", " ").strip("[]()").replace(",", " ").split()]
            scale = np.frombuffer(bytes.fromhex(row["scale_hex"].removeprefix("0x")), dtype=">f4")[0]
            values[row["name"]] = generated(row["name"], shape, row["kind"], scale)
    return values


def elements_of(values):
    flat = values.ravel()
    picked = sorted({int(i) for i in np.linspace(0, flat.size - 1, ELEMENTS)})
    return [cell for i in picked for cell in (i, f"{flat[i]:.9g}")]


def write_rows(path, flag, rows):
    header = ["name", *flag] + [f"{kind}{i}" for i in range(ELEMENTS) for kind in ("index", "value")]
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main(reference, out, net):
    out.mkdir(parents=True, exist_ok=True)
    batch = reference / "training" / "batch"
    tf.compat.v1.disable_eager_execution()
    cfg = dict(
        net_type=net, num_joints=4, stride=8.0, batch_size=2, mean_pixel=[123.68, 116.779, 103.939],
        weigh_part_predictions=False, intermediate_supervision=False, location_refinement=True,
        locref_huber_loss=True, locref_loss_weight=0.05, locref_stdev=7.2801, pairwise_predict=False,
        partaffinityfield_predict=False, dataset_type="imgaug", deconvolutionstride=2, weight_decay=0.0001,
        optimizer="sgd", lr_init=LR_INIT, decay_steps=DECAY_STEPS, alpha_r=ALPHA,
    )
    arrays = {
        Batch.inputs: np.load(batch / "inputs.npy").astype(np.float32),
        Batch.part_score_targets: np.load(batch / "part_score_targets.npy"),
        Batch.part_score_weights: np.load(batch / "part_score_weights.npy"),
        Batch.locref_targets: np.load(batch / "locref_targets.npy"),
        Batch.locref_mask: np.load(batch / "locref_mask.npy"),
    }
    losses = PoseNetFactory.create(cfg).train({key: tf.constant(a) for key, a in arrays.items()})
    variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
    trainable = {v.op.name for v in tf.compat.v1.trainable_variables()}
    names = sorted(variables)
    gradient_of = dict(
        zip(sorted(trainable), tf.gradients(losses["total_loss"], [variables[n] for n in sorted(trainable)]))
    )
    rate, train_op, tstep = get_optimizer(losses["total_loss"], cfg)
    start = start_values(reference, net)
    assert sorted(start) == names
    with tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        for name in names:
            variables[name].load(start[name], session)
        values = {key: float(v) for key, v in session.run(losses).items()}
        gradients = session.run({n: g for n, g in gradient_of.items() if g is not None})
        write_rows(
            out / "gradients.csv", ["has_gradient", "l2_norm"],
            [[n, 1, f"{np.linalg.norm(gradients[n].astype(float)):.9g}", *elements_of(gradients[n])]
             if n in gradients else [n, 0] for n in names],
        )
        steps = []
        for step in range(3):
            current = session.run(rate, {tstep: step})
            loss, _ = session.run([losses["total_loss"], train_op], {tstep: step})
            steps.append({"learning_rate": float(current), "total_loss_before_update": float(loss)})
            if step == 1:
                continue
            after = session.run({n: variables[n] for n in names})
            write_rows(
                out / f"adam_after_step_{step + 1}.csv", ["changed", "l2_norm_of_change"],
                [[n, int(not np.array_equal(after[n], start[n])),
                  f"{np.linalg.norm(after[n].astype(float) - start[n]):.9g}", *elements_of(after[n])]
                 for n in names],
            )
    result = {"losses": values, "steps": steps,
              "schedule": {"lr_init": LR_INIT, "decay_steps": DECAY_STEPS, "alpha_r": ALPHA}}
    (out / "adam.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "efficientnet-b0")
