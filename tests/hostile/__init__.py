"""The hostile battery: fixtures/hostile as real command lines, and every field of every object with wrong types."""
