"""Routines: functions of arrays and numbers, compiled to object code, and what they share."""
