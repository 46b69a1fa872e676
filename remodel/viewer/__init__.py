"""The model in a browser: a section at work, its curves, and lessons to teach with.

What draws, steps, saves and reads is plain Python; only `app`, `controls`, `panels` and
`serve` need the extra ``viewer``.
"""
