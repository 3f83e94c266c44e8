#!/usr/bin/env bash
# A mirrored volume for virtual machines: made once, and the same again when the script is run again.
#
#   examples/mirrored-pool.sh NAME SIZE LETTER
#
# It prints the volume, and the folder on it that new machines are to be put into. Exit code 9 means that the pool is
# there, but that something is wrong with it: what is on stderr then.
set -euo pipefail

name=$1
size=$2
letter=${3%%:*}

hvctl storage create "$name" --disks auto --resiliency mirror --size "$size" --volume "$letter" --fs refs --exist-ok \
  -o json >/dev/null

hvctl storage volume list --query "[?letter=='$letter'] | [0].[letter, name, file_system] | join(' ', @)"
echo "put machines into $letter:\\$name"

hvctl storage health -o json >&2
