"""Words to options to services to output."""
