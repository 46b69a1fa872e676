"""The command line: the commands, their options, and how errors are told in one line."""
