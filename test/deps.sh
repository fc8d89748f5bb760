#!/bin/sh
# deps.sh: installs what the build, the tests and the lint need, and nothing
# else.  Prints nothing when all of it is there.
#
# Each need is a check and, for every package manager, the package that meets
# it.  Knows Debian and Ubuntu (apt-get), Fedora (dnf), Alpine (apk) and macOS
# (Homebrew).  Elsewhere it names what is missing and fails.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

# The header is looked for by the compiler, so that it may be anywhere.
have_header() {
  have cc || return 1
  echo "#include <$1>" |
    cc -E -x c $(pkg-config --silence-errors --cflags sqlite3 tcl 2>/dev/null) \
      - >/dev/null 2>&1
}

have_tcl_header() {
  have_header tcl.h || have_header tcl8.6/tcl.h || have_header tcl-tk/tcl.h
}

have_tcl_sqlite() {
  have tclsh && echo 'package require sqlite3' | tclsh 2>&1 |
    (! grep -q "can't find")
}

# Any python3 that can load SQLite extensions, and has the module if one is asked
# for, will do.
have_python() {
  for python in python3 /usr/bin/python3; do
    if "$python" -c "
import sqlite3${1:+, $1}
sqlite3.connect(':memory:').enable_load_extension" >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

if have apt-get; then system=apt
elif have dnf; then system=dnf
elif have apk; then system=apk
elif have brew; then system=brew
else system=none
fi

missing=

# need CHECK APT DNF APK BREW: adds the package of this system when the check
# fails; '-' where the system brings it along with another.
need() {
  if eval "$1"; then return 0; fi
  case $system in
    apt) package=$2 ;;
    dnf) package=$3 ;;
    apk) package=$4 ;;
    brew) package=$5 ;;
    *) package=$2 ;;
  esac
  case " $missing " in
    *" $package "*) ;;
    *) if [ "$package" != - ]; then missing="$missing $package"; fi ;;
  esac
}

# The system's own C library headers come with build-base on Alpine only.
need 'have cc'          gcc             gcc            build-base    gcc
need 'have gcc'         gcc             gcc            build-base    gcc
need 'have_header stdio.h' libc6-dev    glibc-devel    build-base    -
need 'have make'        make            make           make          make
need 'have nm'          binutils        binutils       binutils      binutils
need 'have pkg-config'  pkg-config      pkgconf-pkg-config pkgconf   pkgconf
need 'have sqlite3'     sqlite3         sqlite         sqlite        sqlite
need 'have_header sqlite3ext.h' libsqlite3-dev sqlite-devel sqlite-dev sqlite
need 'have tclsh'       tcl             tcl            tcl           tcl-tk@8
need 'have_tcl_header'  tcl-dev         tcl-devel      tcl-dev       tcl-tk@8
need 'have_tcl_sqlite'  libsqlite3-tcl  sqlite-tcl     sqlite-tcl    tcl-tk@8
need 'have clang-format' clang-format   clang-tools-extra clang-extra-tools clang-format
need 'have clang-tidy'  clang-tidy      clang-tools-extra clang-extra-tools llvm
need 'have cppcheck'    cppcheck        cppcheck       cppcheck      cppcheck
need 'have gcovr'       gcovr           gcovr          gcovr         gcovr
need 'have dot'         graphviz        graphviz       graphviz      graphviz
need 'have_python'      python3         python3        python3       python
need 'have_python sqlalchemy' python3-sqlalchemy python3-sqlalchemy py3-sqlalchemy -
need 'have node'        nodejs          nodejs         nodejs        node
if have node; then
  # Some packages of node bring npm along, and conflict with the one named npm.
  need 'have npm'       npm             nodejs-npm     npm           -
else
  need 'have npm'       npm             nodejs-npm     npm           node
fi
if [ "$system" = apt ]; then
  need 'test -e /etc/ssl/certs/ca-certificates.crt' ca-certificates - - -
fi
# The sanitizers' runtime is a package of its own in some places.
if [ "$system" = dnf ]; then
  need 'test -e "$(gcc -print-file-name=libasan.so)"'  - libasan  - -
  need 'test -e "$(gcc -print-file-name=libubsan.so)"' - libubsan - -
fi

if [ -z "$missing" ]; then exit 0; fi

as_root=
if [ "$system" != brew ] && [ "$(id -u)" != 0 ]; then as_root=sudo; fi

echo "deps: installing$missing"
case $system in
  apt)
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    $as_root apt-get install -y -qq --no-install-recommends $missing </dev/null
    ;;
  dnf)  $as_root dnf install -y -q $missing ;;
  apk)  $as_root apk add -q $missing ;;
  brew) brew install -q $missing ;;
  none)
    echo "deps: no package manager known here; install these by hand" >&2
    exit 1
    ;;
esac
