/*
 * Uses the console as its argument says: `lines` gives every line back until one says `end`; `write N` writes
 * N bytes, all printable, in pieces of changing size (lab.py's console_bytes() makes the same).
 */
#include <stdlib.h>
#include <string.h>

#include <stardust/kernel.h>

static int lines(void)
{
    char line[256];

    do {
        if (sd_read_line(line, sizeof line, XEN_FOREVER) < 0)
            return 1;
        sd_printf("<%s>\n", line);
    } while (strcmp(line, "end") != 0);
    return 0;
}

static void write_bytes(uint64_t bytes)
{
    static char piece[5000];
    uint64_t state = 1;

    for (uint64_t size = 1; bytes; size = size * 3 % sizeof piece + 1) {
        if (size > bytes)
            size = bytes;
        for (uint64_t i = 0; i < size; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            piece[i] = (char)('!' + (state >> 33) % 94);
        }
        sd_write(piece, size);
        bytes -= size;
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "lines"))
        return lines();
    if (argc == 3 && !strcmp(argv[1], "write")) {
        write_bytes((uint64_t)atol(argv[2]));
        return 0;
    }
    return 2;
}
