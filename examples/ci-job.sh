#!/usr/bin/env bash
# A machine for one run: made, used by a command, and gone afterwards, whatever the command does.
#
#   examples/ci-job.sh COMMAND [ARGUMENT]...
#
# COMMAND finds the machine's name and address in VM_NAME and VM_ADDRESS; its exit code is that of this script.
# SWITCH says what network it is on, DISK how large its disk is.
set -euo pipefail

# The name is this run's own: whatever bears it was made by this run, so deleting it by name is safe.
VM_NAME=ci-${CI_JOB_ID:-$(date -u +%Y%m%d%H%M%S)-$$}
export VM_NAME

clean_up() {
  hvctl vm delete "$VM_NAME" --turn-off --with-disks --missing-ok --yes -o json >/dev/null
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

hvctl vm create "$VM_NAME" --memory 2G --disk "${DISK:-40G}" --switch "${SWITCH:-lan}" --start -o json >/dev/null

# Guests report their addresses some time after they have started.
VM_ADDRESS=
for _ in $(seq 60); do
  VM_ADDRESS=$(hvctl vm show "$VM_NAME" --query "addresses[?contains(@, '.')] | [0]")
  [ -z "$VM_ADDRESS" ] || break
  sleep 5
done
if [ -z "$VM_ADDRESS" ]; then
  echo "$VM_NAME reported no address within five minutes" >&2
  exit 1
fi
export VM_ADDRESS

"$@"
