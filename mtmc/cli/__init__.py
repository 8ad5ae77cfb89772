"""The command line: parses, calls, and prints. All logic is callable without it."""
