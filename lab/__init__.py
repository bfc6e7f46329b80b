"""The laboratory: records what real clients really send, so that fingerprints and models rest on facts."""
