"""What several rules need to know of a document, worked out once."""
