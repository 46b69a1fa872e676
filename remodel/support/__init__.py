"""No biology: arrays, random numbers, files, archives, tables in TOML, what is printed.

Everything here would serve any other model as well. It imports nothing of the other rooms.
"""
