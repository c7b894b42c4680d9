# images: zlib zlib-64 zlib-minigzip zlib-infcover
# The programs that its `make test` runs, as guests: example (`zlib`), the same with 64-bit offsets by name, minigzip; and the one
# of `make cover`.
copy
[ -e configure.log ] || CHOST=$host CC="$CC" CFLAGS='-O2 -g1' ./configure --static
make example example64 minigzip infcover
image zlib example
image zlib-64 example64
image zlib-minigzip minigzip
image zlib-infcover infcover
