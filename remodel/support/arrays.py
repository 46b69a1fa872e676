"""Names for the kinds of array that the package passes around."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Fractions = NDArray[np.float32]  # means over neighborhoods: half the memory is enough
Ints = NDArray[np.integer[Any]]
Labels = NDArray[np.int8]
Mask = NDArray[np.bool_]
