# images: memcached
# needs: libevent
# With the one answer that configure would have to run a program for: words may be anywhere.
export CONFIG_SITE="$build/sdk/share/stardust/config.site"
[ -e libevent/Makefile ] || (
    mkdir -p libevent
    cd libevent
    "$sources/libevent/configure" --host=$host --prefix="$PWD/../installed" --disable-shared --disable-openssl --disable-samples \
        --disable-libevent-regress --disable-debug-mode CFLAGS='-O2 -g1'
)
[ -e installed/lib/libevent.a ] || make -C libevent install
[ -e Makefile ] || "$source/configure" --host=$host --with-libevent="$PWD/installed" --disable-docs --disable-coverage \
    CFLAGS='-O2 -g1' ac_cv_c_alignment=none
make memcached
image memcached memcached
