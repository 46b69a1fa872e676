"""The patients and their trials: life, drugs in the body, courses, trial files, published results.

`published/` holds the trials of the package, `evidence/` what was read in publications.
"""
