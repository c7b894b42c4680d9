/* Ends with the exit status that its argument says. */
#include <stdlib.h>

#include <stardust/kernel.h>

int main(int argc, char **argv)
{
    return argc > 1 ? atoi(argv[1]) : 0;
}
