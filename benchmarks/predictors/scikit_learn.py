"""scikit-learn: `MLPClassifier.predict_proba`."""

from measuring.task import Task
from peers.scikit_learn import ScikitLearnTrainer
from predictors.timing import Predict


def make(task: Task) -> Predict:
    """Return a classifier that is fitted briefly and then given the weights."""
    trainer = ScikitLearnTrainer(task)
    trainer.reset()
    predict: Predict = trainer.model.predict_proba
    return predict
