"""The engine at work: claims runs, drives their bodies, executes their steps."""
