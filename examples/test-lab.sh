#!/usr/bin/env bash
# A test lab on one host: a switch and three machines that go back to how they began whenever you like.
#
#   examples/test-lab.sh create | reset | delete
#
# MACHINES are their names: choose names that nothing else has, because `delete` deletes what bears them. SWITCH is
# their network, MEMORY what each gets, CHECKPOINT what they go back to. BASE is a disk with an installed system, which
# all share and none changes; without it each gets an empty disk of DISK. HVCTL_HOST says on which host. What is there
# already is left alone, so each of the three can be run again.
set -euo pipefail

read -ra machines <<<"${MACHINES:-test-1 test-2 test-3}"
switch=${SWITCH:-test-lan}
checkpoint=${CHECKPOINT:-clean}

create() {
  hvctl switch create "$switch" --type internal --exist-ok -q -o name >/dev/null
  local vm disk
  for vm in "${machines[@]}"; do
    disk=(--disk "${DISK:-40G}")
    if [ -n "${BASE:-}" ]; then
      disk=(--attach "${BASE%[\\/]*}\\$vm.vhdx")
      hvctl vhd create "${disk[1]}" --parent "$BASE" --exist-ok -q -o name >/dev/null
    fi
    hvctl vm create "$vm" --memory "${MEMORY:-2G}" "${disk[@]}" --switch "$switch" --exist-ok -q -o name >/dev/null
    if ! hvctl checkpoint list "$vm" --query '[].name' | grep -Fxi -- "$checkpoint" >/dev/null; then
      hvctl checkpoint create "$vm" --name "$checkpoint" -q -o name >/dev/null
    fi
  done
  hvctl vm start "${machines[@]}"
}

reset() {
  local vm
  for vm in "${machines[@]}"; do
    hvctl checkpoint restore "$vm" "$checkpoint" --start --yes -q -o name >/dev/null
  done
  hvctl vm list "${machines[@]}"
}

delete() {
  hvctl vm delete "${machines[@]}" --turn-off --with-disks --missing-ok --yes -q
  hvctl switch delete "$switch" --missing-ok --yes -q -o name >/dev/null
}

case ${1:-} in
  create | reset | delete) "$1" ;;
  *)
    echo "Usage: ${0##*/} create | reset | delete" >&2
    exit 2
    ;;
esac
