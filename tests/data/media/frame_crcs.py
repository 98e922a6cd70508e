"""Prints frame_crcs.csv: CRC-32 of frames as OpenCV's VideoCapture gives them, turned to RGB.

Run with a Python that has opencv-python 4.11: python frame_crcs.py <shared folder> > frame_crcs.csv
"""
import sys
import zlib

import cv2

videos = {
    "data/projects/openfield-pranav/videos/m3v1mp4.mp4": [0, 1, 17, 199],
    "data/projects/horse-brownhorse/videos/BrownHorseinShadow.mp4": [0, 1, 55, 199],
    "data/projects/mice3-mabe-madlc/videos/EGS8X2MN4SSUGFWAV976.mp4": [0, 3, 77, 199],
    "reference/dlc-project/videos/m3v1_50.mp4": list(range(50)),
}
print("video,frame,height,width,crc32")
for name, wanted in videos.items():
    capture = cv2.VideoCapture(f"{sys.argv[1]}/{name}")
    index = 0
    while index <= wanted[-1]:
        ok, frame = capture.read()
        assert ok, (name, index)
        if index in wanted:
            rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            print(f"{name},{index},{rgb.shape[0]},{rgb.shape[1]},{zlib.crc32(rgb.tobytes()):08x}")
        index += 1
