"""What every layer may use: records, JSON values, secrets, files."""
