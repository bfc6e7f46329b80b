"""A script put into pages on their way: where it goes, how it gets there without holding anything back."""
