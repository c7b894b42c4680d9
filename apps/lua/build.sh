# images: lua
# Its `posix` platform is Linux's without shared libraries.
copy
make -C src posix ALL=lua CC="$CC -std=gnu99" MYCFLAGS=-g1
image lua src/lua
