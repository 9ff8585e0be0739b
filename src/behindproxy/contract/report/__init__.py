"""What came of the checks: on the terminal, and in the files of a run."""
