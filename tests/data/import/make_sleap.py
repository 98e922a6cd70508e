"""SLEAP files as sleap-io 0.9 writes them: run with a Python that has sleap-io, imageio and numpy, in this folder."""
import os

import imageio.v3 as iio
import numpy as np
import sleap_io as sio

skeleton = sio.Skeleton(nodes=["nose", "earL", "earR", "tail"], edges=[("nose", "earL"), ("nose", "earR"), ("nose", "tail")],
                        symmetries=[("earL", "earR")], name="mouse")
os.makedirs("clip", exist_ok=True)
names = [f"clip/frame{i}.png" for i in range(4)]
for i, name in enumerate(names):
    iio.imwrite(name, np.full((24, 32), 40 * i + 20, np.uint8))
video = sio.Video.from_filename(names)


def instance(x, cls=sio.Instance, **more):
    points = np.array([[x + 0.5, 2], [3, 4], [np.nan, np.nan], [5, 6.25]])
    if cls is sio.PredictedInstance:
        more.update(point_scores=np.ones(4), score=1.0)
    return cls.from_numpy(points, skeleton=skeleton, **more)


def frame(index, *instances):
    return sio.LabeledFrame(video=video, frame_idx=index, instances=list(instances))


one = [frame(1, instance(1)), frame(3, instance(3), instance(9, sio.PredictedInstance))]
sio.Labels(one).save("pictures.slp")
sio.Labels(one).save("one.pkg.slp", embed="user")
sio.Labels([frame(2, instance(9, sio.PredictedInstance))]).save("predicted.slp")
tracks = [sio.Track("ann"), sio.Track("bob")]
sio.Labels([frame(2, instance(1, track=tracks[1]), instance(2, track=tracks[0]))]).save("two.pkg.slp", embed=True)
