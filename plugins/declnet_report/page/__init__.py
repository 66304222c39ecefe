"""The page of a run or several: one HTML file with all charts in it, which loads nothing else."""
