"""An emulator: what the model answers, learned from runs at scattered places.

For each answer a quadratic without mixed terms, shrunk by ridge regression, and a Gaussian process on
what it leaves. One run at each place is enough: chance of the cells is what the emulator averages over.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PENALTIES = 10.0 ** np.arange(-1, 4, 0.5)  # of ridge regression, from which each answer chooses
SHARES = (1e-3, 0.1, 0.2, 0.35, 0.5, 0.7)  # of the variance left that may be no chance
LENGTH = 1.6  # over which the model bends, of half the box, for each dimension
FAR = 6.0  # robust standard deviations beyond which a run counts no more


class Emulator:
    """Answers of the model at any place of a unit cube.

    Parameters
    ----------
    places : Floats
        Shape (runs, numbers), 0 to 1.
    answers : Floats
        Shape (runs, answers); what is not a number counts as the median.

    Attributes
    ----------
    explained : Floats
        Fraction of the variance of each answer that the quadratic explains for runs that it
        has not seen; the rest is chance, or bends more.
    """

    def __init__(self, places: Floats, answers: Floats) -> None:
        """Learn from runs."""
        self.at = 2 * np.asarray(places) - 1
        known = tamed(answers)
        self.mean, self.spread = known.mean(axis=0), known.std(axis=0) + 1e-12
        scaled = (known - self.mean) / self.spread
        self.explained = np.zeros(scaled.shape[1])
        self.slopes, rest = self.regress(scaled)
        self.weights = self.fit_rest(rest)

    def regress(self, scaled: Floats) -> tuple[Floats, Floats]:
        """Return coefficients of the quadratic, and what it leaves; penalties by cross-validation."""
        terms = features(self.at)
        left, stretch, right = np.linalg.svd(terms, full_matrices=False)
        turned = left.T @ scaled
        slopes, rest = np.zeros((terms.shape[1], scaled.shape[1])), np.zeros_like(scaled)
        for k in range(scaled.shape[1]):
            scores = []
            for penalty in PENALTIES:
                kept = stretch**2 / (stretch**2 + penalty)
                error = scaled[:, k] - left @ (kept * turned[:, k])
                score = np.mean(error**2) / (1 - kept.sum() / len(terms)) ** 2
                scores.append((float(score), float(penalty)))
            score, penalty = min(scores)
            slopes[:, k] = right.T @ (stretch / (stretch**2 + penalty) * turned[:, k])
            rest[:, k] = scaled[:, k] - terms @ slopes[:, k]
            self.explained[k] = 1 - score
        return slopes, rest

    def fit_rest(self, rest: Floats) -> Floats:
        """Return the weights of a Gaussian process; how much is chance by maximum likelihood."""
        values, vectors = np.linalg.eigh(self.kernel(self.at))
        weights = np.zeros_like(rest)
        for k in range(rest.shape[1]):
            total, turned = rest[:, k].var() + 1e-12, vectors.T @ rest[:, k]
            options = []
            for share in SHARES:
                variances = total * (share * values + 1 - share)
                likelihood = -0.5 * float((turned**2 / variances + np.log(variances)).sum())
                options.append((likelihood, share))
            share = max(options)[1]
            variances = total * (share * values + 1 - share)
            weights[:, k] = share * total * (vectors @ (turned / variances))
        return weights

    def kernel(self, at: Floats) -> Floats:
        """Return the covariance of places with those of the runs."""
        apart = ((at[:, None] - self.at[None]) ** 2).sum(axis=-1)
        return np.exp(-0.5 * apart / (LENGTH**2 * self.at.shape[1]))

    def predict(self, places: Floats) -> Floats:
        """Return the answers at some places, shape (places, answers)."""
        at = 2 * np.atleast_2d(places) - 1
        scaled = features(at) @ self.slopes + self.kernel(at) @ self.weights
        return np.asarray(scaled * self.spread + self.mean)


def features(at: Floats) -> Floats:
    """Return the terms of the quadratic at places from -1 to 1."""
    return np.hstack([np.ones((len(at), 1)), at, at**2 - 1 / 3])


def tamed(answers: Floats) -> Floats:
    """Return answers with those that are no numbers, or far from all others, moved closer."""
    known = np.where(np.isfinite(answers), answers, np.nanmedian(answers, axis=0))
    middle = np.median(known, axis=0)
    spread = FAR * 1.48 * np.median(np.abs(known - middle), axis=0) + 1e-9
    return np.clip(known, middle - spread, middle + spread)
