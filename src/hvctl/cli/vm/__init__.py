"""Commands on virtual machines."""
