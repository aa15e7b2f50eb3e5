"""What another distribution adds to Specsight; each module is one entry point."""
