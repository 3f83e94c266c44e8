"""`hvctl config`: hosts and groups by name, the default, logins, and what holds."""
