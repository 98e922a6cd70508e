"""Makes pictures/ and, beside each picture, the array DeepLabCut's imread gives for it.

Run with a Python that has deeplabcut 3.0.2: python make_pictures.py pictures
"""
import os
import sys

import cv2
import numpy as np
from deeplabcut.utils.auxfun_videos import imread
from PIL import Image

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(3)
h, w = 7, 9
rgb = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
rgba = rng.integers(0, 256, (h, w, 4), dtype=np.uint8)
grey = rng.integers(0, 256, (h, w), dtype=np.uint8)
grey16 = rng.integers(0, 65536, (h, w), dtype=np.uint16)
Image.fromarray(rgb).save(f"{out}/rgb.png")
Image.fromarray(rgba).save(f"{out}/rgba.png")
Image.fromarray(grey).save(f"{out}/grey.png")
cv2.imwrite(f"{out}/grey16.png", grey16)
cv2.imwrite(f"{out}/rgb16.png", rng.integers(0, 65536, (h, w, 3), dtype=np.uint16))
cv2.imwrite(f"{out}/rgba16.png", rng.integers(0, 65536, (h, w, 4), dtype=np.uint16))
Image.fromarray(rgb).quantize(16).save(f"{out}/palette.png")
Image.fromarray(grey > 128).save(f"{out}/bilevel.png")
Image.fromarray(rgb).save(f"{out}/rgb.tif")
Image.fromarray(rgb).save(f"{out}/rgb.bmp")
Image.fromarray(rgb).save(f"{out}/lzw.tif", compression="tiff_lzw")
soft = cv2.GaussianBlur(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8), (0, 0), 3)
soft = cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX)
Image.fromarray(soft).save(f"{out}/rgb.jpg", quality=95)
Image.fromarray(soft[..., 0]).save(f"{out}/grey.jpg", quality=95)
Image.fromarray(soft).save(f"{out}/rgb444.jpg", quality=95, subsampling=0)
for name in sorted(os.listdir(out)):
    if name.endswith(".npy"):
        continue
    path = f"{out}/{name}"
    # scikit-image needs another package for LZW; Pillow reads it.
    pixels = np.asarray(Image.open(path).convert("RGB")) if name == "lzw.tif" else imread(path, mode="skimage")
    np.save(f"{path}.npy", np.ascontiguousarray(pixels))
