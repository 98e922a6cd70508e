"""DeepLabCut's own loader reads the multi-animal training set that poseheir made, and its records are
those DeepLabCut would have written.

    python animal_training_set.py PROJECT

PROJECT is a multi-animal project with labels and pictures on which `poseheir create-training-dataset` was run.
"""

import os
import pickle
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["DLClight"] = "True"

import numpy as np
import pandas as pd
from deeplabcut.generate_training_dataset.multiple_individuals_trainingsetmanipulation import (
    format_multianimal_training_data,
)
from deeplabcut.pose_estimation_tensorflow.config import load_config
from deeplabcut.pose_estimation_tensorflow.datasets import Batch, PoseDatasetFactory


def equal(a, b):
    return (
        tuple(a["image"]) == tuple(b["image"])
        and (np.asarray(a["size"]) == b["size"]).all()
        and list(a["joints"]) == list(b["joints"])
        and all((a["joints"][k] == b["joints"][k]).all() for k in a["joints"])
        and all(a["joints"][k].dtype == b["joints"][k].dtype for k in a["joints"])
    )


project = Path(sys.argv[1]).absolute()
config = load_config(str(next(project.glob("dlc-models/*/*/train/pose_cfg.yaml"))))
dataset = PoseDatasetFactory.create(config)
batch = dataset.next_batch()
channels = config["num_joints"] + config["num_idchannel"]
assert batch[Batch.part_score_targets].shape[3] == channels
assert batch[Batch.pairwise_targets].shape[3] == 2 * config["num_limbs"]
labels = pd.read_hdf(next(project.glob("training-datasets/*/*/CollectedData_*.h5")))
labels = labels[labels.columns.get_level_values("scorer")[0]]
with open(project / config["metadataset"], "rb") as file:
    _, train, _, _ = pickle.load(file)
own = format_multianimal_training_data(labels, train, str(project), 2)
assert len(own) == len(dataset.raw_data) and all(map(equal, own, dataset.raw_data))
print("ORACLE OK:", len(own), "records")
