"""The section of bone: its sites, how it is built from a seed or read from an image, its file.

No cell and no drug is known here.
"""
