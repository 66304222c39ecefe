"""Keys that users know from other libraries, by section: see `StrictModel.other_keys`."""

RUN = {
    **dict.fromkeys(("version", "format"), "declnet"),
    **dict.fromkeys(("random_state", "random_seed"), "seed"),
    **dict.fromkeys(("dataset", "datasets"), "data"),
    **dict.fromkeys(("network", "net", "architecture"), "model"),
    **dict.fromkeys(("criterion", "loss_function", "loss_fn", "objective", "cost"), "loss"),
    **dict.fromkeys(("optim", "solver"), "optimizer"),
    **dict.fromkeys(("trainer", "fit"), "training"),
    "preset": 'it goes with extends = "preset:NAME"; no sweep varies it',
}
"""Of the spec itself."""

DATA = {
    **dict.fromkeys(("source", "training", "train_data", "train_set"), "train"),
    **dict.fromkeys(
        ("val", "valid", "dev", "val_split", "validation_split", "validation_data"),
        "validation",
    ),
    **dict.fromkeys(("test_size", "test_split", "test_data"), "test"),
    **dict.fromkeys(("preprocess", "preprocessing", "transform", "transforms"), "prepare"),
    **dict.fromkeys(("cv", "k_folds", "n_splits"), "folds"),
    **dict.fromkeys(
        ("path", "file", "target", "targets", "label"),
        'it belongs in a data source: train = { type = "…", … }',
    ),
}
"""Of the section `[data]`."""

MODEL = {
    "precision": "dtype",
    **dict.fromkeys(("weights", "pretrained"), "initial_weights"),
    **dict.fromkeys(
        ("hidden", "hidden_layers", "hidden_layer_sizes"), "write each layer in layers = [ … ]"
    ),
    **dict.fromkeys(
        ("input_shape", "input_dim", "input_size"),
        "leave it out: the data determines the size of the input",
    ),
}
"""Of the section `[model]`."""

TRAINING = {
    **dict.fromkeys(("num_epochs", "n_epochs", "nb_epoch", "max_epochs", "max_iter"), "epochs"),
    **dict.fromkeys(("steps", "num_steps", "iterations", "num_iterations"), "max_steps"),
    **dict.fromkeys(("batch", "bs", "minibatch_size", "mini_batch_size"), "batch_size"),
    **dict.fromkeys(
        ("gradient_accumulation_steps", "accumulate_grad_batches", "accumulation_steps"),
        "accumulate",
    ),
    **dict.fromkeys(
        ("max_grad_norm", "grad_clip", "gradient_clip_val", "clip_grad_norm"), "clip_norm"
    ),
    **dict.fromkeys(
        ("log_interval", "log_freq", "log_every_n_steps", "print_every", "verbose"), "log_every"
    ),
    **dict.fromkeys(("device", "gpu", "cuda"), "leave it out: every run computes on the CPU"),
}
"""Of the section `[training]`."""
