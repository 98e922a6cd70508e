"""Pictures and joints as tensorpack's own augmenters leave them, with parameters given instead of drawn.

Arguments: INPUT.npy (reference/augmentation/input.npy) FOLDER. Needs DeepLabCut with TensorFlow. One case a file:
CASE.image.npy, and CASE.keypoints.npy where joints move.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from tensorpack.dataflow import imgaug
from tensorpack.dataflow.imgaug.transform import ResizeTransform, WarpAffineTransform

picture = np.load(sys.argv[1])[:64, :80].copy()
folder = Path(sys.argv[2])
joints = np.array([[20.3, 30.7], [60.5, 44.5], [-3.0, 70.0]])


def keep(name, image, points=None):
    np.save(folder / f"{name}.image.npy", image)
    if points is not None:
        np.save(folder / f"{name}.keypoints.npy", points.astype("float32"))


# Rotation.get_transform of a drawn centre (30.25, 20.5) and angle of 12 degrees.
turn = cv2.getRotationMatrix2D((30.25 - 0.5, 20.5 - 0.5), 12.0, 1)
rotation = WarpAffineTransform(turn, (80, 64), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
keep("rotation", rotation.apply_image(picture), rotation.apply_coords(joints.copy()))
# RandomResize of a drawn factor 0.7: int(size * factor + 0.5)
resize = ResizeTransform(64, 80, int(64 * 0.7 + 0.5), int(80 * 0.7 + 0.5), cv2.INTER_LINEAR)
keep("resize", resize.apply_image(picture), resize.apply_coords(joints.copy()))
drawn = lambda value: np.array(value, "float32")
keep("brightness", imgaug.Brightness(40)._augment(picture, drawn(-30.5)))
keep("contrast", imgaug.Contrast((0.5, 2), rgb=True)._augment(picture, drawn(1.7)))
keep("saturation", imgaug.Saturation(0.5, rgb=True)._augment(picture, drawn(0.6)))
keep("blur", imgaug.GaussianBlur(10)._augment(picture, ((7, 7), (0.0, 0.0))))
