# images: sqlite sqlite-speedtest1
# The shell, and the library's benchmark.
[ -e Makefile ] || "$source/configure" --host=$host --disable-tcl --disable-readline --disable-load-extension --disable-shared \
    --enable-static BUILD_CC=gcc CFLAGS='-O2 -g1'
make sqlite3 speedtest1
image sqlite sqlite3
image sqlite-speedtest1 speedtest1
