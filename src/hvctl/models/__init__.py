"""What hosts return and users ask for."""
