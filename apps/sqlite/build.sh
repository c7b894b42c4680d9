# images: sqlite sqlite-speedtest1
# The shell, and the library's benchmark. Its makefile compiles and links in one step: here each becomes one object (-r), so that a
# change of the kernel's does not compile SQLite again.
[ -e Makefile ] || "$source/configure" --host=$host --disable-tcl --disable-readline --disable-load-extension --disable-shared \
    --enable-static BUILD_CC=gcc CFLAGS='-O2 -g1'
make sqlite3 speedtest1 LIBS=-r
$CC -o sqlite3.guest sqlite3
image sqlite sqlite3.guest
$CC -o speedtest1.guest speedtest1
image sqlite-speedtest1 speedtest1.guest
