# images: sqlite sqlite-speedtest1
# The shell and the library's benchmark. The zlib that configure would find is the build machine's.
[ -e Makefile ] || ac_cv_search_deflate=no "$source/configure" --host=$host --disable-tcl --disable-readline --disable-load-extension \
    --disable-shared --enable-static CC="$CC" BUILD_CC=gcc CFLAGS='-O2 -g1'
make sqlite3 speedtest1
image sqlite sqlite3
image sqlite-speedtest1 speedtest1
