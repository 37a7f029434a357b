"""Parameter styles, media types and bodies, written and read."""
