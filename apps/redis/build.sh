# images: redis
# The server. What it would write of the build into itself, the host's name, the time and a git commit, is left out.
copy
export SOURCE_DATE_EPOCH=0 GIT_DIR=/nonexistent
make -C src redis-server MALLOC=libc USE_SYSTEMD=no CC="$CC" OPTIMIZATION=-O2 DEBUG=-g1
image redis src/redis-server
