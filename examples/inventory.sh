#!/usr/bin/env bash
# Every virtual machine as CSV, a file a day; for cron or a scheduled task.
#
#   examples/inventory.sh [FOLDER]
#
# A run that fails leaves no half-written file, and its exit code is hvctl's.
set -euo pipefail

file=${1:-.}/vms-$(date -u +%F).csv
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.part"' EXIT

hvctl vm list -o csv --sort name --columns name,state,processors,memory_startup,uptime,version,host,id >"$file.part"
mv "$file.part" "$file"
