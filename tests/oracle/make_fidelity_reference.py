"""Makes share/fidelity/reference.safetensors, what `poseheir system --fidelity` compares with.

    python make_fidelity_reference.py REFERENCE_FOLDER OUT [NETWORK …]

REFERENCE_FOLDER is shared/reference. Without names all networks are made that OUT does not hold yet. Outputs of the networks are taken from its `networks` folder. Losses and
gradients are computed here by DeepLabCut's TensorFlow engine (made with DeepLabCut 3.0.2, TensorFlow 2.15.1, on a CPU)
from the weights of weights.md, whose checksums in `variables` are compared; mobilenet_v2_0.35_imagenet has the real
backbone that lies in shared/data/weights (of which nothing gets into the file). Tensors of the file:

    image/SIZE                    the picture, uint8 RGB
    batch/inputs                  two crops of one picture; batch/part_score_targets and so on: their targets.
                                  A map of another size or number of channels takes the values of cell
                                  (floor(y * 10 / height), floor(x * 12 / width)), channel modulo those there are
    NET/output/SIZE/NAME/everyN   every N-th value of an output, row-major
    NET/largest/SIZE/NAME         the largest absolute value of that output
    NET/loss/NAME                 locref_loss_weight 0.05, pairwise_loss_weight 0.1, Huber for both
    NET/gradient/norm             of each variable, sorted by name; -1 where there is none
    NET/gradient/largest          the largest absolute element
    NET/gradient/index, value     two elements of each: the largest, and one more that is not zero
"""
import csv
import json
import os
import struct
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import yaml

OUTPUTS = ["part_pred", "locref", "pairwise_pred", "part_pred_interm"]


def generated(name, shape, kind, scale):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(h) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    around_one = kind in ("gamma", "variance")
    return (scale * (np.float32(1) + u / np.float32(2)) if around_one else scale * u).reshape(shape)


def check_crc(values, expected):
    """CRC-32C, of the small variables, since this takes long: the same rule makes the large ones."""
    if values.size > 100:
        return
    crc = 0xFFFFFFFF
    for byte in values.astype("<f4").tobytes():
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    if crc ^ 0xFFFFFFFF != int(expected, 16):
        raise SystemExit("generated weights differ from the reference's")


def outputs_of(folder, net, tensors):
    for size in ("97x131", "128x160"):
        for name in OUTPUTS:
            path = folder / "networks" / net / f"{size}.{name}.npy"
            if not path.exists():
                continue
            values = np.load(path)
            step = 7 if size == "128x160" else max(1, values.nbytes // 40000)
            while step > 1 and values.shape[3] % step == 0 or (step > 1 and step % 2 == 0):
                step += 1  # a step that meets every channel
            tensors[f"{net}/output/{size}/{name}/every{step}"] = values.ravel()[::step].copy()
            tensors[f"{net}/largest/{size}/{name}"] = np.abs(values).max().reshape(1)


def fitted(array, height, width, channels):
    rows = np.arange(height) * array.shape[1] // height
    columns = np.arange(width) * array.shape[2] // width
    return array[:, rows][:, :, columns][..., np.arange(channels) % array.shape[3]]


def training_of(folder, net, tensors):
    import tensorflow as tf
    from deeplabcut.pose_estimation_tensorflow.datasets import Batch
    from deeplabcut.pose_estimation_tensorflow.nnets.factory import PoseNetFactory

    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.reset_default_graph()
    cfg = yaml.safe_load((folder / "networks" / net / "pose_cfg.yaml").read_text())
    cfg.update(weight_decay=0.0001, weigh_part_predictions=False, locref_loss_weight=0.05, locref_huber_loss=True,
               pairwise_huber_loss=True, pairwise_loss_weight=0.1, batch_size=2)
    multi_animal = "multi-animal" in cfg["dataset_type"]
    batch = folder / "training" / "batch"
    inputs = np.load(batch / "inputs.npy")
    n, height, width = 2, inputs.shape[1], inputs.shape[2]
    cells = (-(-height // 16) * 2, -(-width // 16) * 2)
    factor = 8 // min(8, int(cfg["stride"]))
    cells = (cells[0] * factor, cells[1] * factor)
    scores = cfg["num_joints"] + cfg.get("num_idchannel", 0)
    limbs = 2 * cfg.get("num_limbs", 0) if multi_animal else 2 * cfg["num_joints"] * (cfg["num_joints"] - 1)
    arrays = {
        Batch.inputs: inputs.astype(np.float32),
        Batch.part_score_targets: fitted(np.load(batch / "part_score_targets.npy"), *cells, scores),
        Batch.part_score_weights: fitted(np.load(batch / "part_score_weights.npy"), *cells, scores),
        Batch.locref_targets: fitted(np.load(batch / "locref_targets.npy"), *cells, 2 * cfg["num_joints"]),
        Batch.locref_mask: fitted(np.load(batch / ("locref_mask_multi.npy" if multi_animal else "locref_mask.npy")),
                                  *cells, 2 * cfg["num_joints"]),
        Batch.pairwise_targets: fitted(np.load(batch / "pairwise_targets.npy"), *cells, limbs),
        Batch.pairwise_mask: fitted(np.load(batch / "pairwise_mask.npy"), *cells, limbs),
    }
    feeds = {key: tf.compat.v1.placeholder(tf.float32, value.shape) for key, value in arrays.items()}
    losses = PoseNetFactory.create(cfg).train(feeds)
    variables = sorted(tf.compat.v1.global_variables(), key=lambda v: v.op.name.encode())
    trainable = tf.compat.v1.trainable_variables()
    gradients = dict(zip([v.op.name for v in trainable], tf.gradients(losses["total_loss"], trainable)))
    real = net.endswith("_imagenet")
    table = folder / "variables" / f"{net.removesuffix('_imagenet')}.csv"
    rows = {row["name"]: row for row in csv.DictReader(open(table))}
    weights = folder.parent / "data/weights/mobilenet_v2_0.35_224/mobilenet_v2_0.35_imagenet.ckpt"
    backbone = tf.train.load_checkpoint(str(weights)) if real else None
    assert list(rows) == [v.op.name for v in variables], f"{net}: other variables"
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.compat.v1.Session(config=config) as session:
        for variable in variables:
            row = rows[variable.op.name]
            if real and row["imagenet_key"]:
                variable.load(backbone.get_tensor(row["imagenet_key"]), session)
                continue
            scale = struct.unpack(">f", bytes.fromhex(row["scale_hex"]))[0]
            values = generated(variable.op.name, variable.shape.as_list(), row["kind"], np.float32(scale))
            check_crc(values, row["crc32c"])
            variable.load(values, session)
        fetched = {name: g for name, g in gradients.items() if g is not None}
        losses, values = session.run([losses, fetched], {feeds[key]: arrays[key] for key in feeds})
    for name, loss in losses.items():
        tensors[f"{net}/loss/{name}"] = np.float32(loss).reshape(1)
    norm, largest, index, element = [], [], [], []
    for name in rows:
        gradient = values.get(name)
        if gradient is None:
            norm.append(-1), largest.append(0), index.append([0, 0]), element.append([0, 0])
            continue
        flat = gradient.ravel()
        order = np.argsort(-np.abs(flat), kind="stable")
        places = [order[0], order[min(len(order) - 1, len(order) // 4)]]
        norm.append(np.sqrt(np.sum(flat.astype(np.float64) ** 2))), largest.append(np.abs(flat).max())
        index.append(places), element.append(flat[places])
    tensors[f"{net}/gradient/norm"] = np.array(norm, np.float32)
    tensors[f"{net}/gradient/largest"] = np.array(largest, np.float32)
    tensors[f"{net}/gradient/index"] = np.array(index, np.int32)
    tensors[f"{net}/gradient/value"] = np.array(element, np.float32)


def write(path, tensors):
    names = {np.dtype("f4"): "F32", np.dtype("i4"): "I32", np.dtype("u1"): "U8"}
    header, offset = {"__metadata__": {"made_by": "tests/oracle/make_fidelity_reference.py",
                                       "with": "DeepLabCut 3.0.2, TensorFlow 2.15.1, CPU"}}, 0
    for name, values in sorted(tensors.items()):
        header[name] = {"dtype": names[values.dtype], "shape": list(values.shape),
                        "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, values in sorted(tensors.items()):
            file.write(values.tobytes())


def read(path):
    kinds = {"F32": "f4", "I32": "i4", "U8": "u1"}
    data = path.read_bytes() if path.exists() else struct.pack("<Q", 2) + b"{}"
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, info in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            a, b = info["data_offsets"]
            tensors[name] = np.frombuffer(data[begin + a:begin + b], kinds[info["dtype"]]).reshape(info["shape"])
    return tensors


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = sys.argv[3:]
    nets = [p.name for p in sorted((folder / "networks").iterdir())
            if (p / "pose_cfg.yaml").exists()]
    tensors = read(out)
    nets = [net for net in nets if f"{net}/largest/97x131/part_pred" not in tensors]
    for size in ("97x131", "128x160"):
        tensors[f"image/{size}"] = np.load(folder / "networks" / "inputs" / f"{size}.npy")
    for file in sorted((folder / "training" / "batch").glob("*.npy")):
        tensors[f"batch/{file.stem}"] = np.load(file)
    for net in wanted or nets:
        outputs_of(folder, net, tensors)
        if net != "resnet_50_output_stride_32":  # DeepLabCut cannot build it
            training_of(folder, net, tensors)
        print(net, {k.rsplit("/", 1)[1]: float(v[0]) for k, v in tensors.items() if k.startswith(net + "/loss/")},
              flush=True)
        write(out, tensors)


if __name__ == "__main__":
    main()
