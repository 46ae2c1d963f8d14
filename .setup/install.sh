# Installs into the checkout: .uv (where there is no uv) and .venv. Sourced by ./run and ./test,
# which set `root` to the checkout; `install run` or `install test` says which lock.

UV_PYTHON_DOWNLOADS=never
# The machine's own certificates, as pip and git use them.
UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
export UV_PYTHON_DOWNLOADS UV_SYSTEM_CERTS
unset VIRTUAL_ENV

fail() {
    printf '%s\n' "$@" >&2
    exit 2
}

find_python() {
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail 'This needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv'
}

apt_install() {
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" >&2
}

can_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

make_uv() {
    if ! "$python" -c 'import venv; from ensurepip import bootstrap' 2>/dev/null; then
        # A Debian Python comes without the parts that make environments.
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        can_apt || fail "Python's venv module is missing. Type: sudo apt-get install $package"
        apt_install "$package"
    fi
    "$python" -m venv --clear "$root/.uv"
    "$root/.uv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r "$root/.setup/uv.txt"
}

find_uv() {
    if command -v uv >/dev/null 2>&1; then
        uv=$(command -v uv)
        return
    fi
    uv=$root/.uv/bin/uv
    "$uv" --version >/dev/null 2>&1 || make_uv
    # uv does not read pip's settings; a machine that names its index there means it for us too.
    index=${PIP_INDEX_URL:-$("$root/.uv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then
        UV_DEFAULT_INDEX=$index
        export UV_DEFAULT_INDEX
    fi
}

install() {
    venv=$root/.venv
    # Once made for tests, an environment stays one, so that ./run takes nothing away.
    lock=$1
    [ ! -e "$venv/.test-lock" ] || lock=test
    wanted=$(cd "$root" && { pwd -P; cat pyproject.toml ".setup/$lock.txt"; } | cksum)
    if [ "$(cat "$venv/.$lock-lock" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c ''; then
        return
    fi
    echo "Installing into $venv" >&2
    python=$(find_python)
    find_uv
    "$venv/bin/python" -c '' 2>/dev/null || "$uv" venv --quiet --clear --python "$python" "$venv"
    rm -f "$venv/.run-lock" "$venv/.test-lock"
    "$uv" pip sync --quiet --python "$venv" --require-hashes "$root/.setup/$lock.txt"
    "$uv" pip install --quiet --python "$venv" --no-deps --no-build-isolation --editable "$root"
    echo "$wanted" >"$venv/.$lock-lock"
}
