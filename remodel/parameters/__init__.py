"""Every number of the model: value, unit, range, meaning and source, declared once.

`parameters` gathers the groups that the other modules declare into one object.
"""
