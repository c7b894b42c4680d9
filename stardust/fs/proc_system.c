/*
 * /proc's files about the machine. Formats: proc(5).
 */
#include "proc.h"

#include <string.h>
#include <sys/utsname.h>

#include <stardust/memory.h>
#include <stardust/timer.h>
#include <xenlib/sched.h>
#include <xenlib/start.h>
#include <xenlib/time.h>

#include "../posix/file.h"
#include "../posix/sys.h"
#include "fs.h"

#define TICK (uint64_t)(SD_SECOND / 100)

struct leaf {
    uint32_t a, b, c, d;
};

static struct leaf cpuid(uint32_t number)
{
    struct leaf leaf;

    __asm__("cpuid" : "=a"(leaf.a), "=b"(leaf.b), "=c"(leaf.c), "=d"(leaf.d) : "a"(number), "c"(0));
    return leaf;
}

/* Names of a register's bits, from 0; "" for what is not told. */
static void add_flags(struct sd_text *text, uint32_t bits, const char *names)
{
    for (; *names; bits >>= 1) {
        size_t length = strcspn(names, " ");

        if (bits & 1 && length)
            sd_text_add(text, " %.*s", (int)length, names);
        names += length + (names[length] == ' ');
    }
}

static void add_brand(struct sd_text *text)
{
    char brand[49] = {0};

    for (uint32_t i = 0; i < 3 && cpuid(0x80000000).a >= 0x80000004; i++) {
        struct leaf leaf = cpuid(0x80000002 + i);

        memcpy(brand + sizeof(leaf) * i, &leaf, sizeof(leaf));
    }
    sd_text_add(text, "model name\t: %s\n", brand[0] ? brand : "unknown");
}

static void cpuinfo(struct sd_text *text)
{
    struct leaf zero = cpuid(0), one = cpuid(1);
    uint32_t family = one.a >> 8 & 15, model = one.a >> 4 & 15;

    if (family >= 6)
        model |= one.a >> 12 & 0xf0;
    if (family == 15)
        family += one.a >> 20 & 0xff;
    sd_text_add(text, "processor\t: 0\nvendor_id\t: %.4s%.4s%.4s\ncpu family\t: %u\nmodel\t\t: %u\n",
                (const char *)&zero.b, (const char *)&zero.d, (const char *)&zero.c, family, model);
    add_brand(text);
    sd_text_add(text, "stepping\t: %u\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n",
                one.a & 15);
    sd_text_add(text, "apicid\t\t: 0\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\nflags\t\t:");
    add_flags(
        text, one.d,
        "fpu vme de pse tsc msr pae mce cx8 apic  sep mtrr pge mca cmov pat pse36 pn clflush  dts acpi mmx "
        "fxsr sse sse2 ss ht tm ia64 pbe");
    add_flags(
        text, one.c,
        "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm  pcid dca "
        "sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave  avx f16c rdrand hypervisor");
    if (zero.a >= 7)
        add_flags(text, cpuid(7).b,
                  "fsgsbase tsc_adjust sgx bmi1 hle avx2  smep bmi2 erms invpcid rtm cqm  mpx rdt_a avx512f "
                  "avx512dq rdseed adx smap");
    sd_text_add(text, "\nclflush size\t: %u\naddress sizes\t: 40 bits physical, 48 bits virtual\n\n",
                (one.b >> 8 & 255) * 8);
}

static void meminfo(struct sd_text *text)
{
    struct sd_memory_stats stats;
    size_t total, left;

    sd_memory_stats(&stats);
    total = stats.pages_total * 4;
    left = stats.pages_free * 4;
    sd_text_add(text, "MemTotal:       %8zu kB\nMemFree:        %8zu kB\nMemAvailable:   %8zu kB\n", total,
                left, left);
    sd_text_add(text,
                "Buffers:               0 kB\nCached:                0 kB\nSwapCached:            0 kB\n");
    sd_text_add(text,
                "SwapTotal:             0 kB\nSwapFree:              0 kB\nDirty:                 0 kB\n");
    sd_text_add(text, "Slab:           %8zu kB\nCommitLimit:    %8zu kB\nCommitted_AS:   %8zu kB\n",
                stats.heap_bytes / 1024, total, total - left);
    sd_text_add(text, "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
}

static uint64_t since_start(void)
{
    return xen_time_now() - xen_time_at(xen_start()->entry_ticks);
}

static void uptime(struct sd_text *text)
{
    uint64_t up = since_start() / TICK, used = xen_sched_cpu_time() / TICK, idle = up > used ? up - used : 0;

    sd_text_add(text, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
}

static void loadavg(struct sd_text *text)
{
    sd_text_add(text, "0.00 0.00 0.00 1/1 %d\n", PROC_PID);
}

static void stat(struct sd_text *text)
{
    uint64_t up = since_start(), used = xen_sched_cpu_time(), idle = up > used ? up - used : 0;
    struct xen_wall_time wall = xen_time_wall();

    for (int i = 0; i < 2; i++)
        sd_text_add(text, "%s %lu 0 0 %lu 0 0 0 0 0 0\n", i ? "cpu0" : "cpu ", used / TICK, idle / TICK);
    sd_text_add(text, "intr 0\nctxt 0\nbtime %lu\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
                wall.seconds - (uint64_t)(up / SD_SECOND));
}

static void filesystems(struct sd_text *text)
{
    sd_text_add(text, "nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\n");
}

static void cmdline(struct sd_text *text)
{
    sd_text_add(text, "%s\n", xen_start()->command_line);
}

static struct utsname names(void)
{
    struct utsname names = {0};

    (void)sd_sys_uname(&names);
    return names;
}

static void version(struct sd_text *text)
{
    struct utsname is = names();

    sd_text_add(text, "%s version %s (%s)\n", is.sysname, is.release, is.version);
}

static void hostname(struct sd_text *text)
{
    sd_text_add(text, "%s\n", names().nodename);
}

static void osrelease(struct sd_text *text)
{
    sd_text_add(text, "%s\n", names().release);
}

static void ostype(struct sd_text *text)
{
    sd_text_add(text, "%s\n", names().sysname);
}

static void add_uuid(struct sd_text *text, const uint8_t id[16])
{
    for (int i = 0; i < 16; i++)
        sd_text_add(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    sd_text_add(text, "\n");
}

static void make_uuid(uint8_t id[16])
{
    sd_random(id, 16);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 4122, 4.4: version 4 */
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

static void uuid(struct sd_text *text)
{
    uint8_t id[16];

    make_uuid(id);
    add_uuid(text, id);
}

static void boot_id(struct sd_text *text)
{
    static uint8_t id[16];

    if (!id[6])
        make_uuid(id);
    add_uuid(text, id);
}

#define NUMBER(name, text_)                                                                                  \
    static void name(struct sd_text *text)                                                                   \
    {                                                                                                        \
        sd_text_add_bytes(text, text_ "\n", sizeof(text_));                                                  \
    }
NUMBER(pid_max, "32768")
NUMBER(threads_max, "32768")
NUMBER(entropy_avail, "256")
NUMBER(overcommit_memory, "2")
NUMBER(max_map_count, "32768")
NUMBER(somaxconn, "4096")
NUMBER(file_max, "65536")
NUMBER(pipe_max_size, "1048576")

/* As Linux tells what ip=dhcp on its command line has found (Documentation/admin-guide/nfs/nfsroot.rst). */
static void nameservers(struct sd_text *text)
{
    if (&sd_proc_nameservers)
        sd_proc_nameservers(text);
}

const struct proc_entry sd_proc_system[] = {
    {"cmdline", cmdline},
    {"cpuinfo", cpuinfo},
    {"filesystems", filesystems},
    {"loadavg", loadavg},
    {"meminfo", meminfo},
    {"net", NULL},
    {"net/pnp", nameservers},
    {"stat", stat},
    {"uptime", uptime},
    {"version", version},
    {"sys", NULL},
    {"sys/fs", NULL},
    {"sys/fs/file-max", file_max},
    {"sys/fs/nr_open", file_max},
    {"sys/fs/pipe-max-size", pipe_max_size},
    {"sys/kernel", NULL},
    {"sys/kernel/hostname", hostname},
    {"sys/kernel/osrelease", osrelease},
    {"sys/kernel/ostype", ostype},
    {"sys/kernel/pid_max", pid_max},
    {"sys/kernel/threads-max", threads_max},
    {"sys/kernel/random", NULL},
    {"sys/kernel/random/boot_id", boot_id},
    {"sys/kernel/random/entropy_avail", entropy_avail},
    {"sys/kernel/random/uuid", uuid},
    {"sys/net", NULL},
    {"sys/net/core", NULL},
    {"sys/net/core/somaxconn", somaxconn},
    {"sys/vm", NULL},
    {"sys/vm/max_map_count", max_map_count},
    {"sys/vm/overcommit_memory", overcommit_memory},
    {NULL, NULL},
};
