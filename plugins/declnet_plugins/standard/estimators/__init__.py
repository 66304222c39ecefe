"""Fitted scikit-learn estimators as trained models."""
