# images: libuv
# Its library and its tests, by its CMake; in place of the runner, which forks a process for each test, tests.c. The library and the
# tests become one object whose data stand together between symbols, so that tests.c can give each test those of a new process.
configure_cmake -DCMAKE_C_FLAGS='-O2 -g1' -DLIBUV_BUILD_BENCH=OFF
make uv_run_tests_a
ld -r -o all.o -T "$app/together.lds" $(find CMakeFiles/uv_run_tests_a.dir -name '*.o') libuv_a.a
objcopy --redefine-sym main=uv_main all.o
$CC -std=gnu17 -O2 -g1 -Wall -Wextra -Werror -isystem "$source/test" -isystem "$source/include" -o tests "$app/tests.c" all.o
image libuv tests
mkdir -p "$build/libuv.root/suite/test" "$build/libuv.root/tmp"
cp -R "$source/test/fixtures" "$build/libuv.root/suite/test"
cp "$app/left-out" "$build/libuv.root"
