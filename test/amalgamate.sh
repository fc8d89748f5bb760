#!/bin/sh
# amalgamate.sh FOLDER: prints all sources of the folder as one C file, in the
# order of the banners in relate_int.h.  Functions that cross files are static
# in it; beside it only relate.h is needed.
set -eu

folder=$1
map=$folder/relate_int.h

# The text of a file without the #include of the map.
text() {
  printf '\n/* ======== %s ======== */\n\n' "$1"
  sed '/^#include "relate_int.h"$/d' "$folder/$1"
}

cat <<END
/*
** relate.c: all of relate as one file, for programs that would rather compile
** it in.  Made by \`make amalgamation\`; what is to be read and changed is the
** folder ext/ of the project.
**
**     cc -shared -fPIC relate.c -o relate.so      a loadable extension
**     cc -c -DSQLITE_CORE relate.c                to link with SQLite itself
*/
#define RELATE_PRIVATE static
END
text relate_int.h
sed -n 's|^/\* ---- layer [0-9]*: \([a-z_]*\.c\): .*|\1|p' "$map" |
  while read -r file; do text "$file"; done
