/* An image of more than 3 MiB, so that nothing of it may count on being in one batch of pages, one table or
 * the first 2 MiB. */
#include <stardust/kernel.h>

#define WORDS (3 * 1024 * 1024 / 4)

extern const uint32_t constants[WORDS];
__asm__(".pushsection .rodata.constants, \"a\"\n.balign 4\nconstants:\n.set n, 0\n"
        ".rept 3 * 1024 * 1024 / 4096\n.fill 1024, 4, n\n.set n, n + 1\n.endr\n.popsection");

int main(int argc, char **argv)
{
    uint64_t sum = 0;

    (void)argc;
    (void)argv;
    for (size_t i = 0; i < WORDS; i++)
        sum += constants[i];
    sd_printf("the sum is %llu\n", (unsigned long long)sum);
    return 0;
}
