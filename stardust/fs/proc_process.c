/*
 * /proc's files about the one process. Formats: proc(5).
 */
#include "proc.h"

#include <string.h>

#include <stardust/memory.h>
#include <stardust/timer.h>
#include <xenlib/sched.h>
#include <xenlib/time.h>

#include "../boot/boot.h"
#include "../posix/area.h"
#include "../posix/file.h"
#include "../posix/main_stack.h"
#include "../posix/path.h"
#include "../posix/task.h"
#include "fs.h"

#define NAME "stardust"
#define TICK (uint64_t)(SD_SECOND / 100)

/* The image, as linked (xen/image.lds). */
extern char xen_image_start[], xen_text_end[], xen_rodata_end[], xen_image_end[];

/* Without mmap in the image there are no areas. */
extern struct sd_areas sd_vm_areas __attribute__((weak));
#pragma weak sd_task_each

static void add_words(struct sd_text *text, char *const *words)
{
    for (; *words; words++)
        sd_text_add_bytes(text, *words, strlen(*words) + 1);
}

static void cmdline(struct sd_text *text)
{
    static char name[] = NAME;
    int count;

    add_words(text, sd_cmdline_args(name, &count));
}

static void environ(struct sd_text *text)
{
    const char *entry;

    for (size_t i = 0; (entry = sd_cmdline_option("env", i)); i++)
        sd_text_add_bytes(text, entry, strlen(entry) + 1);
}

static void comm(struct sd_text *text)
{
    sd_text_add(text, NAME "\n");
}

static void add_range(struct sd_text *text, uintptr_t start, uintptr_t end, int prot, const char *name)
{
    sd_text_add(text, "%08lx-%08lx %c%c%c%c 00000000 00:00 0%s%s\n", start, end, prot & 1 ? 'r' : '-',
                prot & 2 ? 'w' : '-', prot & 4 ? 'x' : '-', prot & SD_AREA_SHARED ? 's' : 'p',
                *name ? "                          " : "", name);
}

static size_t area_count(void)
{
    return &sd_vm_areas ? sd_vm_areas.count : 0;
}

static void maps(struct sd_text *text)
{
    uintptr_t code = ((uintptr_t)xen_text_end + 4095) & ~4095ul,
              constants = ((uintptr_t)xen_rodata_end + 4095) & ~4095ul;

    add_range(text, (uintptr_t)xen_image_start, code, 5, "/" NAME);
    add_range(text, code, constants, 1, "/" NAME);
    add_range(text, constants, (uintptr_t)xen_image_end, 3, "/" NAME);
    for (size_t i = 0; i < area_count(); i++)
        add_range(text, sd_vm_areas.list[i].start, sd_vm_areas.list[i].end, sd_vm_areas.list[i].rights, "");
    add_range(text, sd_main_stack_low, SD_MAIN_STACK_TOP, 3, "[stack]");
}

/* Of the address space, in bytes. */
static size_t virtual_bytes(void)
{
    size_t bytes = (size_t)(xen_image_end - xen_image_start) + sd_main_stack_bytes();

    for (size_t i = 0; i < area_count(); i++)
        bytes += sd_vm_areas.list[i].end - sd_vm_areas.list[i].start;
    return bytes;
}

static size_t used_pages(void)
{
    struct sd_memory_stats stats;

    sd_memory_stats(&stats);
    return stats.pages_total - stats.pages_free;
}

static bool count_task(struct sd_task *task, void *count)
{
    (void)task;
    ++*(unsigned *)count;
    return true;
}

static unsigned threads(void)
{
    unsigned count = 0;

    if (sd_task_each)
        sd_task_each(count_task, &count);
    return count ? count : 1;
}

static void stat(struct sd_text *text)
{
    sd_text_add(text, "%d (" NAME ") R 0 %d %d 0 -1 4194304 0 0 0 0 %lu 0 0 0 20 0 %u 0 0 %zu %zu ", PROC_PID,
                PROC_PID, PROC_PID, xen_sched_cpu_time() / TICK, threads(), virtual_bytes(), used_pages());
    sd_text_add(text, "18446744073709551615 %lu %lu 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                (uintptr_t)xen_image_start, (uintptr_t)xen_text_end);
}

static void statm(struct sd_text *text)
{
    size_t code = (size_t)(xen_text_end - xen_image_start) / 4096 + 1;

    sd_text_add(text, "%zu %zu 0 %zu 0 %zu 0\n", virtual_bytes() / 4096, used_pages(), code,
                virtual_bytes() / 4096 - code);
}

static void status(struct sd_text *text)
{
    sd_text_add(text,
                "Name:\t" NAME "\nUmask:\t%04o\nState:\tR (running)\nTgid:\t1\nNgid:\t0\nPid:\t1\nPPid:\t0\n",
                sd_umask);
    sd_text_add(text, "TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%d\nGroups:\t0\n",
                sd_fd_limit());
    sd_text_add(text, "VmPeak:\t%8zu kB\nVmSize:\t%8zu kB\nVmHWM:\t%8zu kB\nVmRSS:\t%8zu kB\n",
                virtual_bytes() / 1024, virtual_bytes() / 1024, used_pages() * 4, used_pages() * 4);
    sd_text_add(text, "Threads:\t%u\nCapEff:\t000001ffffffffff\nSeccomp:\t0\nCpus_allowed:\t1\n", threads());
    sd_text_add(text, "Cpus_allowed_list:\t0\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

static void limits(struct sd_text *text)
{
    sd_text_add(text, "%-26s%-21s%-21s%s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    sd_text_add(text, "%-26s%-21d%-21d%s\n", "Max open files", sd_fd_limit(), SD_FD_MAX, "files");
}

static void mounts(struct sd_text *text)
{
    static char path[SD_PATH_MAX];
    struct xen_list *all = sd_fs_mounts();

    for (struct xen_list *at = all->next; at != all; at = at->next) {
        const struct sd_mount *mount = xen_container_of(at, struct sd_mount, link);

        if (sd_fs_path_of(mount->root, path, sizeof(path)) > 0)
            sd_text_add(text, "%s %s %s rw,relatime 0 0\n", mount->type->name, path, mount->type->name);
    }
}

static void oom_score(struct sd_text *text)
{
    sd_text_add(text, "0\n");
}

static void cgroup(struct sd_text *text)
{
    sd_text_add(text, "0::/\n");
}

const struct proc_entry sd_proc_process[] = {
    {"1", NULL},
    {"1/cgroup", cgroup},
    {"1/cmdline", cmdline},
    {"1/comm", comm},
    {"1/environ", environ},
    {"1/limits", limits},
    {"1/maps", maps},
    {"1/mounts", mounts},
    {"1/oom_score", oom_score},
    {"1/oom_score_adj", oom_score},
    {"1/stat", stat},
    {"1/statm", statm},
    {"1/status", status},
    {NULL, NULL},
};
