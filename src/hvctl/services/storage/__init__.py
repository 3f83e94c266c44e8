"""Storage Spaces: disks, pools, virtual disks, volumes, health and jobs of one host."""
