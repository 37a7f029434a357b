"""No argument is silently ignored: each changes something or is refused; a new one needs a row in a table here."""
