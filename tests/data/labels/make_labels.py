"""Annotation files in every style that DeepLabCut's versions and pandas left: run with a Python that has pandas and PyTables."""
import numpy as np
import pandas as pd

PARTS = ["hand", "elbow"]
PATHS = [("labeled-data", "clip1", "img7.png"), ("labeled-data", "clip1", "img8.png")]


def columns(scorers=("Ana",), individuals=None, coords=("x", "y")):
    if individuals:
        return pd.MultiIndex.from_product(
            [scorers, individuals, PARTS, coords], names=["scorer", "individuals", "bodyparts", "coords"])
    return pd.MultiIndex.from_product([scorers, PARTS, coords], names=["scorer", "bodyparts", "coords"])


def save(name, cols, index):
    values = np.arange(len(index) * len(cols), dtype=float).reshape(len(index), len(cols))
    values[0, 2] = values[0, 3] = np.nan
    df = pd.DataFrame(values, columns=cols, index=index)
    df.to_hdf(name + ".h5", key="df_with_missing", mode="w")
    df.to_csv(name + ".csv")


levels = pd.MultiIndex.from_tuples(PATHS)
joined = ["/".join(path) for path in PATHS]
save("three_levels", columns(), levels)
save("one_path", columns(), joined)
save("windows", columns(), ["\\".join(path) for path in PATHS])
save("two_scorers", columns(("Ana", "Bob")), levels)
save("one_individual", columns(individuals=["mouse"]), levels)
save("two_individuals", columns(individuals=["m1", "m2"]), levels)
save("likelihoods", columns(coords=("x", "y", "likelihood")), levels)
save("named_levels", columns(), pd.MultiIndex.from_tuples(PATHS, names=["root", "clip", "picture"]))
save("named_path", columns(), pd.Index(joined, name="picture"))
save("numbered_folder", columns(), pd.MultiIndex.from_tuples([("labeled-data", 12, "img7.png"), ("labeled-data", 12, "img8.png")]))
