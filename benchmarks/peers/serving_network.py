"""What the peers of `benchmarks/serving.py` share: a FastAPI application around a function."""

from collections.abc import Callable

import numpy as np
import uvicorn
from fastapi import FastAPI

Probabilities = Callable[[np.ndarray], np.ndarray]


def serve(probabilities: Probabilities, port: int) -> None:
    """Serve a network as declnet does: nested lists in, an object for each row out."""
    app = FastAPI()

    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    async def predict(rows: list[list[float]]) -> dict[str, list[dict[str, float]]]:
        outputs = probabilities(np.array(rows, np.float32))
        names = [f"probability_{index}" for index in range(outputs.shape[1])]
        labels = outputs.argmax(axis=1).tolist()
        return {
            "predictions": [
                {"prediction": label, **dict(zip(names, row, strict=True))}
                for label, row in zip(labels, outputs.tolist(), strict=True)
            ]
        }

    app.add_api_route("/health/ready", ready)
    app.add_api_route("/predict", predict, methods=["POST"])
    uvicorn.run(app, port=port, http="httptools", log_level="warning", access_log=False)


def layers_of(path: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the weights (inputs, units) and biases (units,) of dense layers in an .npz file."""
    with np.load(path) as arrays:
        count = len(arrays.files) // 2
        return [(arrays[f"weights_{at}"], arrays[f"biases_{at}"]) for at in range(count)]
