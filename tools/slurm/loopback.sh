#!/usr/bin/env bash
# A Slurm of one node on this machine, for trying the launcher: needs root and Debian's slurm-wlm and munge.
#   loopback.sh install          installs them, where apt can
#   loopback.sh start FOLDER     starts the daemons; then: export SLURM_CONF=FOLDER/slurm.conf
#   loopback.sh stop FOLDER
set -euo pipefail

fail() {
  echo "loopback.sh: $1" >&2
  exit 1
}

install() {
  command -v slurmctld > /dev/null && command -v munged > /dev/null && return
  [ "$(id -u)" = 0 ] || fail "expected root, to install slurm-wlm and munge"
  apt-get install -y --no-install-recommends slurm-wlm munge > /dev/null || fail "apt cannot install slurm-wlm and munge"
}

configure() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemTotal/ { print int($2 / 2048) }' /proc/meminfo)
  cat > "$folder/slurm.conf" << CONF
ClusterName=loopback
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

start() {
  [ "$(id -u)" = 0 ] || fail "expected root, to start munged and slurmd"
  command -v slurmctld > /dev/null || fail "expected slurm-wlm, found none: loopback.sh install"
  mkdir -p "$folder/state" "$folder/spool" /run/munge
  if ! pgrep -x munged > /dev/null; then
    [ -s /etc/munge/munge.key ] || head -c 1024 /dev/urandom > /etc/munge/munge.key
    chown munge: /etc/munge/munge.key /run/munge
    chmod 400 /etc/munge/munge.key
    su -s /bin/sh munge -c '/usr/sbin/munged --force'
    cp /run/munge/munged.pid "$folder/munged.pid"
  fi
  configure
  export SLURM_CONF=$folder/slurm.conf
  slurmctld
  sleep 1
  slurmd
  for _ in $(seq 40); do
    sinfo --noheader 2> /dev/null | grep -q idle && return
    sleep 0.5
  done
  stop
  fail "Slurm did not come up: see $folder/slurmctld.log"
}

# One after the other: without munged, the others cannot say goodbye, and keep the port.
stop() {
  local daemon pid
  for daemon in slurmd slurmctld munged; do
    [ -s "$folder/$daemon.pid" ] || continue
    pid=$(cat "$folder/$daemon.pid")
    kill "$pid" 2> /dev/null || continue
    for _ in $(seq 50); do
      kill -0 "$pid" 2> /dev/null || continue 2
      sleep 0.2
    done
    kill -9 "$pid" 2> /dev/null || true
  done
}

case "${1-}" in
  install) install ;;
  start | stop)
    [ -n "${2-}" ] || fail "expected a folder"
    mkdir -p "$2"
    folder=$(cd "$2" && pwd)
    "$1"
    ;;
  *) fail "expected install, start or stop, got ${1-nothing}" ;;
esac
