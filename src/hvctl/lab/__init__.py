"""The simulator: the engine's protocol on one side, a world on the other."""
