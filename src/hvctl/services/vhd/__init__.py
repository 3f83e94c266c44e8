"""Virtual hard disks: what there is, and the plans that change it."""
