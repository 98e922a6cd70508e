"""Whole training steps of DeepLabCut's TensorFlow engine, loading and augmentation included; for bench/train.sh.

Arguments: POSE_CFG STARTED WARM_UP STEPS. Prints one line as train_bench does: median seconds of a step, seconds from
the start of the process to the end of the first step, peak memory in MB.
"""

import resource
import statistics
import sys
import time


def main():
    pose_cfg, started, warm_up, steps = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

    answer, sys.stdout = sys.stdout, sys.stderr

    import deeplabcut  # noqa: F401  what a user imports; it takes its time
    import tensorflow as tf
    from deeplabcut.pose_estimation_tensorflow.core import train

    ends = []
    run = tf.compat.v1.Session.run

    def timed_run(session, fetches, *arguments, **options):
        result = run(session, fetches, *arguments, **options)
        if isinstance(fetches, list) and len(fetches) == 3:  # update, loss and summary: a training step
            ends.append(time.time())
        return result

    tf.compat.v1.Session.run = timed_run
    try:
        train.train(pose_cfg, displayiters=1000, saveiters=100000, maxiters=warm_up + steps)
    except Exception:
        if len(ends) <= warm_up + steps:  # else only its end failed
            raise
    seconds = [b - a for a, b in zip(ends[warm_up:], ends[warm_up + 1 :])]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{statistics.median(seconds):.4f} {ends[0] - started:.2f} {peak:.0f}", file=answer, flush=True)


main()
