"""Opens a training set made by Poseheir with DeepLabCut's own loaders, and makes DeepLabCut's beside it."""
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import pandas as pd
import scipy.io as sio
from deeplabcut.core.config import ProjectConfig
from deeplabcut.generate_training_dataset.metadata import TrainingDatasetMetadata
from deeplabcut.pose_estimation_tensorflow.config import load_config
from deeplabcut.pose_estimation_tensorflow.datasets.pose_imgaug import ImgaugPoseDataset
from deeplabcut.utils import auxiliaryfunctions

project = Path(sys.argv[1])
config = ProjectConfig.from_any(project / "config.yaml", repair_path=True)
train = project / "dlc-models/iteration-0/openfieldOct30-trainset95shuffle1/train/pose_cfg.yaml"
cfg = load_config(str(train))
assert cfg["all_joints_names"] == ["snout", "leftear", "rightear", "tailbase"], cfg["all_joints_names"]

dataset = ImgaugPoseDataset(cfg)
assert len(dataset.data) == 110, len(dataset.data)
first = dataset.data[0]
assert first.joints[0].tolist() == [[0, 54, 339], [1, 64, 348], [2, 59, 329], [3, 177, 326]], first.joints

data, train_rows, test_rows, fraction = auxiliaryfunctions.load_metadata(project / cfg["metadataset"])
perm = np.random.RandomState(0).permutation(116)
assert list(train_rows) == perm[:110].tolist() and list(test_rows) == perm[110:].tolist() and fraction == 0.95
assert data[0]["size"] == (3, 480, 640) or list(data[0]["size"]) == [3, 480, 640], data[0]["size"]
assert tuple(data[0]["image"]) == ("labeled-data", "m4s1", "img0010.png"), data[0]["image"]

shuffle = TrainingDatasetMetadata.load(config, load_splits=True).get(0, 1)
assert shuffle.engine.aliases[0] == "tensorflow" and len(shuffle.split.train_indices) == 110

merged = pd.read_hdf(project / cfg["dataset"].rsplit("/", 1)[0] / "CollectedData_Pranav.h5")
assert merged.shape == (116, 8)
assert sio.loadmat(project / cfg["dataset"])["dataset"].shape == (1, 110)
print("DeepLabCut opens the training set")
