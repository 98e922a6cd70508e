"""TensorBoard's own reader opens the event files of a run that was interrupted once."""
import csv, glob, os, signal, subprocess, sys, tempfile, time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

program = sys.argv[1]
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([program, "demo", folder + "/demo", "--quick", "--quiet", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
    config = folder + "/demo/genet-project/config.yaml"
    command = [program, "train", config, "--run-name", "tb", "--maxiters", "60", "--displayiters", "3", "--saveiters", "10",
               "--eval-iters", "10", "--threads", "1", "--quiet"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not glob.glob(folder + "/demo/**/runs/tb/train_state.safetensors", recursive=True):
        time.sleep(0.05)
        assert first.poll() is None, "ended before it could be killed"
    first.send_signal(signal.SIGKILL)
    first.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    run = glob.glob(folder + "/demo/**/runs/tb", recursive=True)[0]
    assert len(os.listdir(run + "/log")) == 2, os.listdir(run + "/log")
    events = EventAccumulator(run + "/log")
    events.Reload()
    print(events.Tags()["scalars"])
    for tag, name, column in (("loss/total", "learning_curve", "total_loss"), ("error_px/test", "error_curve", None)):
        with open(f"{run}/{name}.csv") as file:
            rows = list(csv.DictReader(file))
        steps = [event.step for event in events.Scalars(tag)]
        assert steps == [int(row["iteration"]) for row in rows], (tag, steps)
        if column:
            for event, row in zip(events.Scalars(tag), rows):
                assert abs(event.value - float(row[column])) < 1e-6, (event, row)
print("ORACLE OK")
