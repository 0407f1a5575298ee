#!/usr/bin/env bash
# Curation on a cluster of two nodes of Ray, both on this machine, so that one can try it (pip install 'praxino[cluster]').
#   runs/cluster.sh FOOTAGE DATASET
# On real machines: the same token on all (RAY_AUTH_TOKEN, or the file that `ray get-auth-token --generate` writes), the first
# `ray start` on one, the second, with that one's address, on each other, and footage and dataset on a drive that all of them have
# under the same paths. Whoever reaches a cluster may run programs on it: the token is what keeps strangers out.
set -euo pipefail
footage=${1:?give a folder of footage}
into=${2:?give a folder for the dataset}
port=${RAY_PORT:-6379}

export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN=${RAY_AUTH_TOKEN:-$(python3 -c 'import secrets; print(secrets.token_hex(32))')}
export RAY_USAGE_STATS_ENABLED=0

# The nodes end with this script. Each has one core, so that the work has to spread.
nodes=()
trap 'for one in "${nodes[@]}"; do kill "$one" 2>/dev/null || true; done; wait' EXIT
ray start --head --port "$port" --num-cpus 1 --include-dashboard=false --block >&2 &
nodes+=($!)
export RAY_ADDRESS=127.0.0.1:$port
for _ in $(seq 120); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.5; done
ray start --address "$RAY_ADDRESS" --num-cpus 1 --block >&2 &
nodes+=($!)

python3 - <<'END'
import time

import ray

ray.init(log_to_driver=False)
for _ in range(120):
    there = [node["NodeManagerAddress"] + ":" + str(node["NodeManagerPort"]) for node in ray.nodes() if node["Alive"]]
    if len(there) == 2:
        break
    time.sleep(0.5)
print("nodes:", *there)
END
praxino curate "$footage" --into "$into" --engine ray --json
