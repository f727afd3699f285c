#!/usr/bin/env bash
# Installs what a fresh Debian machine lacks: Debian packages (as root; else one sentence names the
# missing ones) and a virtual environment with hash-pinned packages. Does nothing when all is there.
#   ./setup.sh vm    and what the virtual machine of `make vm` needs
set -euo pipefail
cd "$(dirname "$0")"

declare -A NEEDED=(
    [sshd]=openssh-server [ssh-keygen]=openssh-client [sftp]=openssh-client [ffmpeg]=ffmpeg
    [mkfs.vfat]=dosfstools [fsck.vfat]=dosfstools [mcopy]=mtools
    [systemd-analyze]=systemd [openssl]=openssl [upsd]=nut-server
    [mkfs.exfat]=exfatprogs [fsck.exfat]=exfatprogs [mkfs.ext4]=e2fsprogs
)
if [ "${1:-}" = vm ]; then
    while read -r program package; do NEEDED[$program]=$package; done <tests/vm/programs.txt
fi
export PATH="$PATH:/usr/sbin:/sbin"
missing=()
for program in "${!NEEDED[@]}"; do
    command -v "$program" >/dev/null || missing+=("${NEEDED[$program]}")
done
python=${PYTHON:-python3}
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    missing+=(python3-venv)
fi
if [ ${#missing[@]} -gt 0 ]; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    if [ "$(id -u)" -ne 0 ]; then
        echo "Missing Debian packages: ${missing[*]}. Ask an administrator to run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed, this is $("$python" --version)" >&2
    exit 1
}
stamp=.venv/requirements.sha256
wanted=$(cat requirements.txt pyproject.toml | sha256sum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    echo "Installing the hash-pinned Python packages into .venv"
    "$python" -m venv --clear .venv
    # Quiet, but an error is shown: pip writes it to standard error.
    .venv/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
    .venv/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
    echo "$wanted" >"$stamp"
fi
