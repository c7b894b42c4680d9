/* The program, in an image that is not a test image. */
#include <stardust/kernel.h>

#include "boot.h"

int sd_run_program(void)
{
    static char name[] = "stardust";
    int argc;
    char **argv = sd_cmdline_args(name, &argc);

    return main(argc, argv);
}
