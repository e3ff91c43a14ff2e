"""The pure parts of the API: reading documents, masking, describing."""
