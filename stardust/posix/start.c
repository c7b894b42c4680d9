/*
 * The start of a program that uses the C library: what Linux puts on the stack of a new process (System V
 * ABI, AMD64, 3.4.1), and musl's start. Linked in place of boot/program.c.
 */
#include "../boot/boot.h"

#include <elf.h>

#include <stardust/kernel.h>
#include <xenlib/memory.h>
#include <xenlib/platform.h>

#include "main_stack.h"
#include "sys.h"
#include "task.h"

/* The linker makes the boot stack this large (image.lds): as kernel threads' are, as main has one of its own.
 */
__asm__(".globl sd_boot_stack_bytes\n"
        ".set sd_boot_stack_bytes, 32768");

#define ENV_MAX 64

typedef int main_function(int argc, char **argv, char **envp);

/* The image of thread-local variables (image.lds). */
extern const char sd_tls_start[], sd_tls_file_end[], sd_tls_end[], sd_tls_align[];

struct aux {
    unsigned long type, value;
};

static size_t count_environment(void)
{
    size_t count = 0;

    while (count < ENV_MAX && sd_cmdline_option("env", count))
        count++;
    return count;
}

static const Elf64_Phdr *tls_header(void)
{
    static Elf64_Phdr header = {.p_type = PT_TLS, .p_flags = PF_R};

    header.p_vaddr = (uintptr_t)sd_tls_start;
    header.p_filesz = (size_t)(sd_tls_file_end - sd_tls_start);
    header.p_memsz = (size_t)(sd_tls_end - sd_tls_start);
    header.p_align = (uintptr_t)sd_tls_align;
    return &header;
}

/*
 * To where the words on the stack say: argc and what follows it. Nothing comes back from there, and no
 * backtrace leads further.
 */
_Noreturn static void enter(long *words)
{
    __asm__ volatile("mov %0, %%rsp\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "call __libc_start_main\n\t"
                     "ud2" ::"b"(words),
                     "D"((main_function *)(void (*)(void))main), "S"(*words), "d"(words + 1)
                     : "memory");
    __builtin_unreachable();
}

/* Puts the program's words at the upper end of its stack: argc, arguments, environment, auxiliary vector. */
static long *lay_out(int argc, char **args, const void *aux, size_t aux_bytes)
{
    size_t env = count_environment(), words = 1 + (size_t)argc + 1 + env + 1;
    size_t bytes = (words * sizeof(long) + aux_bytes + 15) & ~15ul;
    long *start;
    char **to;

    sd_main_stack_make(bytes);
    start = (long *)(SD_MAIN_STACK_TOP - bytes);
    *start = argc;
    to = (char **)(start + 1);
    for (int i = 0; i <= argc; i++)
        *to++ = args[i];
    for (size_t i = 0; i < env; i++)
        *to++ = sd_cmdline_option("env", i);
    *to++ = NULL;
    __builtin_memcpy(to, aux, aux_bytes);
    return start;
}

int sd_run_program(void)
{
    static char name[] = "stardust";
    static uint64_t random[2];
    int argc;
    char **args = sd_cmdline_args(name, &argc);
    long *words;
    const Elf64_Phdr *tls = tls_header();
    const struct aux aux[] = {
        {AT_PHDR, (uintptr_t)tls},
        {AT_PHENT, sizeof(*tls)},
        {AT_PHNUM, tls->p_memsz ? 1 : 0},
        {AT_PAGESZ, XEN_PAGE_SIZE},
        {AT_UID, 0},
        {AT_EUID, 0},
        {AT_GID, 0},
        {AT_EGID, 0},
        {AT_SECURE, 0},
        {AT_CLKTCK, 100},
        {AT_RANDOM, (uintptr_t)random},
        {AT_EXECFN, (uintptr_t)args[0]},
        {AT_NULL, 0},
    };

    sd_random(random, sizeof(random));
    words = lay_out(argc, args, aux, sizeof(aux));
    sd_task_begin();
    enter(words);
}
