#!/usr/bin/env bash
# Empty a host before maintenance: every machine moves to another host, running or not, its disks into a folder of its
# name there. All of them are checked first; if something stands against one move, nothing moves. What is there already
# is left alone, so the script can be run again after it broke off. At the end it looks whether each is there and the
# host is empty.
#
#   empty-host.sh FROM TO [FOLDER]
set -euo pipefail

from=$1 to=$2 folder=${3:-'C:\VMs'}

ids=$(hvctl vm list --host "$from" -o name)
[ -n "$ids" ] || exit 0
printf '%s\n' "$ids" | hvctl migrate check - --host "$from" --to "$to" --storage-path "$folder"
while read -r id; do
  name=$(hvctl vm show "$id" --host "$from" --query name)
  hvctl migrate vm "$id" --host "$from" --to "$to" --storage-path "$folder\\$name" </dev/null
done <<<"$ids"

printf '%s\n' "$ids" | hvctl vm list - --host "$to" --columns name,state,host
left=$(hvctl vm list --host "$from" --query 'length(@)')
if [ "$left" -ne 0 ]; then
  echo "$left machines are on $from still" >&2
  exit 1
fi
