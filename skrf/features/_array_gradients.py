"""The sums of `GradientPass` for rows that are arrays of any namespace, on their device."""

import numpy as np

from skrf._utils.array_api import to_numpy
from skrf.features._array_layer import ArrayLayer
from skrf.features._gradients import GradientSums


class ArrayGradients:
    """The work of a `GradientPass` on a device with float64.

    Parameters
    ----------
    run : GradientPass
        The pass; its neurons have NumPy's arrays.
    space : Namespace
        The namespace of the rows.
    """

    def __init__(self, run, space):
        self.run, self.space, self.xp = run, space, space.xp
        self.layer, self.total, self.weight = None, 0.0, 0.0

    def add(self, X, Y, w):
        """Add a block of rows; the targets Y are not used."""
        neurons = self.run.neurons
        if self.layer is None:
            parts = neurons.projection, neurons.biases, neurons.activation
            self.layer = ArrayLayer.of(X, *parts)
        z = self.layer.pre_activations(X)
        roots = self.space.array(np.sqrt(w), X.dtype)[:, None]
        for part in self._parts(X, z, self.layer.formulas.slope(self.xp, z)):
            wide = self.xp.astype(part * roots, self.xp.float64)
            self.total = self.total + wide.T @ wide
        self.weight += float(w.sum())

    def _parts(self, X, z, S):
        """The slopes S of all neurons, or the gradients of every output."""
        neurons, W = self.run.neurons, self.layer.weights
        if self.run.by_pairs:
            yield S
            return
        outputs = self.space.array(neurons.outputs, X.dtype)
        if neurons.tangent is None:
            for t in range(outputs.shape[0]):
                yield (S * outputs[t, :]) @ W
            return
        second = self.layer.formulas.second(self.xp, z)
        for t, VC in enumerate(neurons.tangent):
            V, C = (self.space.array(a, X.dtype) for a in (VC[:, :-1], VC[:, -1]))
            T = (X @ V.T + C) * second + S * outputs[t, :]
            yield T @ W + S @ V

    def result(self):
        """The sums of all rows, in NumPy."""
        return GradientSums(np.array(to_numpy(self.total)), self.weight)
