/* The smallest program: a line, and the end. Its arguments, when it gets any, are whom it greets. */
#include <stardust/kernel.h>

int main(int argc, char **argv)
{
    if (argc == 1)
        sd_printf("Hello from Stardust\n");
    for (int i = 1; i < argc; i++)
        sd_printf("Hello, %s\n", argv[i]);
    return 0;
}
