/*
 * Who the process is: root, until it says otherwise. Nothing is refused to anybody for that, besides becoming
 * somebody else: one program has the guest for itself. Rules: setuid(2), setreuid(2), setresuid(2). On Linux
 * the ids are a thread's, and the C library changes them in each thread; a change made once more is none.
 */
#include "sys.h"

#include <errno.h>

#include <stardust/memory.h>

#include "copy.h"

#define KEEP        ((unsigned)-1)
#define LARGEST_SET 65536

struct ids {
    unsigned real, effective, saved;
};

static struct ids user, group;
static unsigned *set; /* the supplementary groups */
static int set_count;

static bool may_be_all(void)
{
    return user.effective == 0;
}

static bool may_be(const struct ids *ids, unsigned id)
{
    return may_be_all() || id == KEEP || id == ids->real || id == ids->effective || id == ids->saved;
}

static long set_all(struct ids *ids, unsigned real, unsigned effective, unsigned saved)
{
    if (!may_be(ids, real) || !may_be(ids, effective) || !may_be(ids, saved))
        return -EPERM;
    ids->real = real == KEEP ? ids->real : real;
    ids->effective = effective == KEEP ? ids->effective : effective;
    ids->saved = saved == KEEP ? ids->saved : saved;
    return 0;
}

/* Of somebody else than root only the effective one changes, to the real or the saved one. */
static long set_one(struct ids *ids, unsigned id)
{
    if (id == KEEP)
        return -EINVAL;
    if (may_be_all())
        return set_all(ids, id, id, id);
    return id == ids->real || id == ids->saved ? set_all(ids, KEEP, id, KEEP) : -EPERM;
}

/* The saved one follows where the real one is given, or the effective one is none that was real. */
static long set_two(struct ids *ids, unsigned real, unsigned effective)
{
    unsigned before = ids->real;
    long result;

    if (!may_be_all() && real != KEEP && real != ids->real && real != ids->effective)
        return -EPERM;
    result = set_all(ids, real, effective, KEEP);
    if (!result && (real != KEEP || (effective != KEEP && effective != before)))
        ids->saved = ids->effective;
    return result;
}

static long tell(const struct ids *ids, unsigned *real, unsigned *effective, unsigned *saved)
{
    return sd_copy_out(real, &ids->real, sizeof(*real)) ||
                   sd_copy_out(effective, &ids->effective, sizeof(*effective)) ||
                   sd_copy_out(saved, &ids->saved, sizeof(*saved))
               ? -EFAULT
               : 0;
}

long sd_sys_getuid(void)
{
    return user.real;
}

long sd_sys_geteuid(void)
{
    return user.effective;
}

long sd_sys_getgid(void)
{
    return group.real;
}

long sd_sys_getegid(void)
{
    return group.effective;
}

long sd_sys_getresuid(unsigned *real, unsigned *effective, unsigned *saved)
{
    return tell(&user, real, effective, saved);
}

long sd_sys_getresgid(unsigned *real, unsigned *effective, unsigned *saved)
{
    return tell(&group, real, effective, saved);
}

long sd_sys_setuid(unsigned id)
{
    return set_one(&user, id);
}

long sd_sys_setgid(unsigned id)
{
    return set_one(&group, id);
}

long sd_sys_setreuid(unsigned real, unsigned effective)
{
    return set_two(&user, real, effective);
}

long sd_sys_setregid(unsigned real, unsigned effective)
{
    return set_two(&group, real, effective);
}

long sd_sys_setresuid(unsigned real, unsigned effective, unsigned saved)
{
    return set_all(&user, real, effective, saved);
}

long sd_sys_setresgid(unsigned real, unsigned effective, unsigned saved)
{
    return set_all(&group, real, effective, saved);
}

long sd_sys_getgroups(int count, unsigned *groups)
{
    if (count < 0 || (count && count < set_count))
        return -EINVAL;
    if (count && sd_copy_out(groups, set, (size_t)set_count * sizeof(*set)))
        return -EFAULT;
    return set_count;
}

long sd_sys_setgroups(int count, const unsigned *groups)
{
    size_t bytes = count < 0 ? 0 : (size_t)count * sizeof(*set);
    unsigned *now = NULL;

    if (!may_be_all())
        return -EPERM;
    if (count < 0 || count > LARGEST_SET)
        return -EINVAL;
    if (count) {
        now = sd_alloc(bytes);
        if (!now)
            return -ENOMEM;
        if (sd_copy_in(now, groups, bytes)) {
            sd_free(now);
            return -EFAULT;
        }
    }
    sd_free(set);
    set = now;
    set_count = count;
    return 0;
}
