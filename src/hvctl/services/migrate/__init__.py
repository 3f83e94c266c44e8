"""Moving virtual machines from host to host, and their storage."""
