"""What sweeps, studies and ensembles have in common: a folder, members, callbacks that are told."""
