"""Many runs: cases and replicates, on how many processes, what is kept of them and their record."""
