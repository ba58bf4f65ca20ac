"""What training continues from: options, estimates and the state of a run."""

from dataclasses import dataclass
from typing import NamedTuple

from skrf.networks._weights import Initialization, Units, Weights


class StepEstimate(NamedTuple):
    """Estimates from the first rows and weights of a run."""

    stable_step: float  # the largest stable step of plain SGD
    mean_loss: float  # before training
    mean_square: float  # mean of ||x||^2


class Options(NamedTuple):
    """The options of the update rule."""

    batch_size: int
    block_size: int | str
    power_t: float
    momentum: float
    average_after: int  # the last update that is not averaged; -1 means no average


@dataclass(frozen=True)
class State:
    """What training continues from, besides the fitted weights; pickles hold it."""

    initialization: Initialization
    units: Units
    estimate: StepEstimate
    eta0: float  # before any cooldown
    alpha: float
    n_updates: int = 0
    n_averaged: int = 0
    velocity: Weights | None = None
    # Only where the fitted weights are a mean of iterates.
    mean: Weights | None = None  # in float64
    last: Weights | None = None

    def to_dict(self):
        """Arrays and built-in values."""
        values = dict(vars(self))
        values["initialization"] = dict(vars(self.initialization))
        for name in ("units", "estimate", "velocity", "mean", "last"):
            values[name] = values[name] and tuple(values[name])
        return values

    @classmethod
    def from_dict(cls, values):
        """The state whose `to_dict` is given."""
        values = {**values, "initialization": Initialization(**values["initialization"])}
        kinds = {"units": Units, "estimate": StepEstimate, "velocity": Weights}
        for name, kind in {**kinds, "mean": Weights, "last": Weights}.items():
            values[name] = values[name] and kind(*values[name])
        return cls(**values)
