"""Parameter styles, media types and bodies: encoding and decoding."""
