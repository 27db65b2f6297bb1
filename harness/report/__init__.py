"""Turns an `Analysis` into files for people and programs; measures and judges nothing."""
